using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Amazon.Runtime;
using Amazon.S3;
using DChat.Core.Blobs;

namespace DChat.Storage.S3;

/// <summary>What is wrong with the bucket or the way to it, and what to do about it. Never holds a secret.</summary>
/// <param name="Passes">It may be over by itself: nobody listens, or the server is overloaded.</param>
public readonly record struct S3Finding(string Problem, string Remedy, bool Passes);

/// <summary>Errors of the SDK in words of whoever operates the bucket.</summary>
internal static class S3Failures
{
    /// <summary>Characters.</summary>
    private const int ProblemMax = 500;

    private const string ServersOwnLog = "see the server's log, or AWS's health page";

    /// <summary>Whether it came from S3 or the way there, and not from the content that was to be stored.</summary>
    public static bool IsFailure(Exception error) =>
        error is AmazonClientException or AmazonServiceException or HttpRequestException or IOException or SocketException or TimeoutException or OperationCanceledException;

    /// <summary>Whether S3 said that there is no such object, or upload.</summary>
    public static bool IsMissing(BlobStoreUnavailableException error) =>
        error.InnerException is AmazonS3Exception { StatusCode: HttpStatusCode.NotFound, ErrorCode: not "NoSuchBucket" };

    /// <summary>The content is not the one that was opened.</summary>
    public static bool IsReplaced(BlobStoreUnavailableException error) =>
        IsMissing(error) || error.InnerException is AmazonS3Exception { StatusCode: HttpStatusCode.PreconditionFailed or HttpStatusCode.RequestedRangeNotSatisfiable };

    public static BlobStoreUnavailableException Unavailable(S3Url url, Exception error) =>
        new($"The bucket of {url.Place} cannot be used: {Explain(error, url).Problem}", error);

    public static S3Finding Explain(Exception error, S3Url url)
    {
        var found = Explain(error, url, url.Endpoint?.GetLeftPart(UriPartial.Authority) ?? "AWS");
        // The server's own words may be in it.
        var problem = found.Problem.Length > ProblemMax ? found.Problem[..ProblemMax] + "…" : found.Problem;
        return found with { Problem = string.Concat(problem.Select(letter => char.IsControl(letter) ? ' ' : letter)) };
    }

    private static S3Finding Explain(Exception error, S3Url url, string server) =>
        error switch
        {
            AmazonS3Exception { ErrorCode: { Length: > 0 } } refused => Refused(refused, url, server),
            AmazonServiceException { StatusCode: >= HttpStatusCode.InternalServerError } => new($"{server} failed", ServersOwnLog, true),
            AmazonServiceException { StatusCode: HttpStatusCode.Forbidden } => Denied(url),
            AmazonServiceException { StatusCode: HttpStatusCode.NotFound } => NoBucket(url, server),
            AmazonServiceException { StatusCode: HttpStatusCode.MovedPermanently or HttpStatusCode.TemporaryRedirect or HttpStatusCode.BadRequest } => WrongRegion(url, ""),
            OperationCanceledException or TimeoutException => Silent(server),
            _ when Find<SocketException>(error) is { } socket => Unreached(socket, server),
            _ when Find<AuthenticationException>(error) is { } tls => new(
                $"the TLS certificate of {server} is not accepted: {tls.Message}", "give an endpoint= by the name that is in the certificate, and add its authority to this machine's", false),
            _ when Find<HttpRequestException>(error) is { HttpRequestError: HttpRequestError.SecureConnectionError } => new(
                $"{server} speaks no TLS", "check endpoint=, http or https", false),
            HttpRequestException or IOException => new($"the connection to {server} was lost", "check endpoint= and what is between: firewalls, proxies", true),
            AmazonClientException client when client.Message.Contains("RegionEndpoint", StringComparison.Ordinal) => new(
                "the region is not known", "give region=, or set AWS_REGION", false),
            AmazonClientException or AmazonServiceException when Find<HttpRequestException>(error) is not null => new($"{server} can not be reached", "check endpoint= and region=", true),
            AmazonClientException client when client.Message.Contains("redentials", StringComparison.Ordinal) || client.Message.Contains("rofile", StringComparison.Ordinal) => NoCredentials(url),
            _ => new(error.Message, ServersOwnLog, true),
        };

    public static S3Finding NoCredentials(S3Url url) => url.Profile is { } profile
        ? new($"the profile \"{profile}\" is not to be found, or holds no credentials", "check profile=, and ~/.aws/config and ~/.aws/credentials of the user that runs the server", false)
        : new("no credentials are to be found", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile with profile=, or give the machine a role", false);

    private static S3Finding Refused(AmazonS3Exception refused, S3Url url, string server) => refused.ErrorCode switch
    {
        "NoSuchBucket" => NoBucket(url, server),
        "InvalidBucketName" => new($"\"{url.Bucket}\" is no bucket's name at {server}", "name another bucket", false),
        "AuthorizationHeaderMalformed" or "PermanentRedirect" or "TemporaryRedirect" or "IllegalLocationConstraintException" or "AuthorizationQueryParametersError" => WrongRegion(url, refused.Message),
        "InvalidAccessKeyId" => new(
            $"{server} does not know the access key", "check AWS_ACCESS_KEY_ID, or the profile, and whose credentials they are", false),
        "SignatureDoesNotMatch" => new(
            $"{server} refuses the signature: access key and secret do not belong together", "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile", false),
        "ExpiredToken" or "InvalidToken" or "TokenRefreshRequired" => new(
            $"{server} does not take the session token: it is another's, or its time is over", "renew the credentials, and unset AWS_SESSION_TOKEN if they have none", false),
        "RequestTimeTooSkewed" => new("this machine's clock is wrong", "set the clock: signatures hold for minutes", false),
        "AccessDenied" or "AllAccessDisabled" or "Forbidden" => Denied(url),
        "NotImplemented" or "InvalidEncryptionAlgorithmError" or "InvalidEncryptionMethod" when url.Encryption != S3Encryption.Bucket => new(
            $"{server} does not encrypt that way: {refused.Message}", "leave encryption= out, or give another one", false),
        { } code when code.StartsWith("KMS.", StringComparison.Ordinal) => new(
            $"the key of KMS can not be used ({code}): {refused.Message}", "check kms-key=, and that kms:GenerateDataKey and kms:Decrypt are allowed on it", false),
        _ => new($"{refused.Message.TrimEnd('.')} ({refused.ErrorCode})", ServersOwnLog, refused.StatusCode >= HttpStatusCode.InternalServerError || refused.ErrorCode is "SlowDown" or "RequestTimeout" or "Throttling"),
    };

    private static S3Finding NoBucket(S3Url url, string server) => new(
        $"there is no bucket \"{url.Bucket}\" at {server}", "make it, or name another; check region= and endpoint= too", false);

    private static S3Finding Denied(S3Url url) => new(
        $"the credentials do not have the rights that are needed on \"{url.Bucket}\"",
        "allow s3:ListBucket on the bucket and s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload on what is in it (docs/s3.md has the policy)", false);

    private static S3Finding WrongRegion(S3Url url, string said) => new(
        $"the bucket \"{url.Bucket}\" is in another region{(said.Length == 0 ? "" : $": {said}")}", "give the bucket's own region with region=", false);

    private static S3Finding Silent(string server) => new($"{server} does not answer in time", "check endpoint= and region=, and what is between: firewalls, security groups, routes", true);

    private static S3Finding Unreached(SocketException socket, string server) => socket.SocketErrorCode switch
    {
        SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData => new($"the host of {server} is not known", "check how endpoint= or region= is spelled, and this machine's name resolution", true),
        SocketError.ConnectionRefused => new($"nobody listens at {server}", "start the server, or check host and port in endpoint=", true),
        _ => new($"the connection to {server} was lost", "check endpoint= and what is between: firewalls, proxies", true),
    };

    private static T? Find<T>(Exception? error)
        where T : Exception
    {
        for (; error is not null; error = error.InnerException)
        {
            if (error is T found)
            {
                return found;
            }
        }

        return null;
    }
}
