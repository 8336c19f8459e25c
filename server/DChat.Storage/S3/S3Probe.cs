using Amazon.Runtime.Credentials;
using Amazon.S3;
using Amazon.S3.Model;

namespace DChat.Storage.S3;

/// <summary>Looks whether a bucket can be used as it will be: lists, writes, reads, removes, begins an upload in parts; leaves nothing behind.</summary>
public static class S3Probe
{
    // '~' cannot occur in a blob's name.
    private const string Folder = "~check/";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan TidyLimit = TimeSpan.FromSeconds(3);

    /// <summary>A machine's role is asked for at an address that many machines do not have, and that does not answer there.</summary>
    private static readonly TimeSpan CredentialsLimit = TimeSpan.FromSeconds(8);

    /// <summary>Null where all is well. Takes 18 s at most.</summary>
    public static async Task<S3Finding?> LookAsync(S3BlobStoreOptions options)
    {
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            using var clients = S3Clients.Make(options with { Retries = 1 });
            if (options.Credentials is null && !await HasCredentialsAsync(clients.Calls))
            {
                return S3Failures.NoCredentials(options.Url);
            }

            await LookAsync(clients.Calls, options.Url, limit.Token);
            return null;
        }
        catch (Exception error) when (S3Failures.IsFailure(error))
        {
            return S3Failures.Explain(error, options.Url);
        }
    }

    private static async Task<bool> HasCredentialsAsync(AmazonS3Client client)
    {
        using var limit = new CancellationTokenSource(CredentialsLimit);
        try
        {
            // On a thread of its own: parts of the chain ask without awaiting, and take no time limit.
            await Task.Run(
                async () =>
                {
                    var found = await DefaultAWSCredentialsIdentityResolver.GetCredentialsAsync(client.Config);
                    await found.GetCredentialsAsync();
                },
                limit.Token).WaitAsync(limit.Token);
            return true;
        }
        catch (Exception error) when (S3Failures.IsFailure(error))
        {
            return false;
        }
    }

    private static async Task LookAsync(AmazonS3Client client, S3Url url, CancellationToken cancellation)
    {
        await client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = url.Bucket, Prefix = url.Prefix, MaxKeys = 1 }, cancellation);
        var key = $"{url.Prefix}{Folder}{Guid.NewGuid():N}";
        await PutAsync(client, url, key, cancellation);
        try
        {
            using var read = await client.GetObjectAsync(url.Bucket, key, cancellation);
        }
        finally
        {
            using var tidying = new CancellationTokenSource(TidyLimit); // Of its own: where the time is over, the object is to go all the same.
            await client.DeleteObjectAsync(url.Bucket, key, tidying.Token);
        }

        var begin = new InitiateMultipartUploadRequest
        {
            BucketName = url.Bucket,
            Key = key,
            ServerSideEncryptionMethod = S3Encrypting.Method(url),
            ServerSideEncryptionKeyManagementServiceKeyId = url.KmsKey,
        };
        var upload = await client.InitiateMultipartUploadAsync(begin, cancellation);
        await client.AbortMultipartUploadAsync(new AbortMultipartUploadRequest { BucketName = url.Bucket, Key = key, UploadId = upload.UploadId }, cancellation);
    }

    private static async Task PutAsync(AmazonS3Client client, S3Url url, string key, CancellationToken cancellation)
    {
        using var body = new MemoryStream("check"u8.ToArray());
        await client.PutObjectAsync(
            new PutObjectRequest
            {
                BucketName = url.Bucket,
                Key = key,
                InputStream = body,
                UseChunkEncoding = false,
                ServerSideEncryptionMethod = S3Encrypting.Method(url),
                ServerSideEncryptionKeyManagementServiceKeyId = url.KmsKey,
            },
            cancellation);
    }
}
