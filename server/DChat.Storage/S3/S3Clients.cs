using Amazon;
using Amazon.Runtime;
using Amazon.S3;

namespace DChat.Storage.S3;

/// <summary>The SDK's clients of a bucket: one for calls, one for content on its way there, which may take longer.</summary>
internal sealed class S3Clients : IDisposable
{
    /// <summary>Connections to the server besides those of readers.</summary>
    private const int CallConnections = 32;

    private S3Clients(AmazonS3Client calls, AmazonS3Client content) => (Calls, Content) = (calls, content);

    public AmazonS3Client Calls { get; }

    public AmazonS3Client Content { get; }

    /// <exception cref="AmazonClientException">The region, or the profile, is not to be found.</exception>
    public static S3Clients Make(S3BlobStoreOptions options) => new(
        Make(options, options.TryTime, options.Readers + CallConnections),
        Make(options, options.PartTryTime, options.Url.PartsAtOnce + CallConnections));

    public void Dispose()
    {
        Calls.Dispose();
        Content.Dispose();
    }

    private static AmazonS3Client Make(S3BlobStoreOptions options, TimeSpan tryTime, int connections)
    {
        var url = options.Url;
        var config = new AmazonS3Config
        {
            ForcePathStyle = url.PathStyle,
            Timeout = tryTime,
            ConnectTimeout = options.TryTime,
            MaxErrorRetry = options.Retries,
            RetryMode = RequestRetryMode.Standard,
            MaxConnectionsPerServer = connections,
            Profile = url.Profile is { } profile ? new Profile(profile) : null,
            // Many servers refuse, or store, the checksums that the SDK would add; every content is signed with its hash.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (url.Endpoint is { } endpoint)
        {
            config.ServiceURL = endpoint.ToString();
            config.AuthenticationRegion = url.Region;
        }
        else if (url.Region is { } region)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }

        return options.Credentials is { } credentials ? new AmazonS3Client(credentials, config) : new AmazonS3Client(config);
    }
}
