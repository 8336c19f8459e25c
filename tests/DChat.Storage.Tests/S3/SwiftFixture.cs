using Amazon.Runtime;
using Amazon.S3;
using DChat.Storage.S3;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Storage.Tests.S3;

/// <summary>One server for all tests that do nothing to it; each has a bucket of its own.</summary>
public sealed class SwiftFixture : IAsyncLifetime
{
    private int _buckets;

    public SwiftServer Server { get; private set; } = null!;

    public async Task InitializeAsync() => Server = await SwiftServer.StartAsync();

    public async Task DisposeAsync() => await Server.DisposeAsync();

    public Task<string> CreateBucketAsync() => Server.CreateBucketAsync($"bucket-{Interlocked.Increment(ref _buckets)}");

    internal static S3BlobStoreOptions Options(string url, string accessKey = SwiftServer.AccessKey, string secret = SwiftServer.Secret) => new()
    {
        Url = S3Url.Parse(url),
        Credentials = new BasicAWSCredentials(accessKey, secret),
        ListPage = 3,
    };

    /// <summary>What does not come is given up within seconds: for a server that does not answer, and for nothing that is to succeed.</summary>
    internal static S3BlobStoreOptions Impatient(string url) => Options(url) with
    {
        TryTime = TimeSpan.FromMilliseconds(500),
        CallTime = TimeSpan.FromSeconds(1),
        PartTryTime = TimeSpan.FromSeconds(1),
        PartTime = TimeSpan.FromSeconds(2),
        CompleteTime = TimeSpan.FromSeconds(1),
        StallTime = TimeSpan.FromSeconds(1),
        Retries = 1,
    };

    internal static S3BlobStore Open(S3BlobStoreOptions options) => S3BlobStore.Open(options, NullLogger<S3BlobStore>.Instance);

    /// <summary>Uploads that were begun and neither finished nor taken away.</summary>
    internal static async Task<int> UnfinishedAsync(SwiftServer server, string bucket)
    {
        using var client = server.CreateClient();
        return (await client.ListMultipartUploadsAsync(bucket)).MultipartUploads?.Count ?? 0;
    }
}

[CollectionDefinition(Name)]
public sealed class SwiftTests : ICollectionFixture<SwiftFixture>
{
    public const string Name = "Swift";
}
