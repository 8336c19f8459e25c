using Amazon.Runtime;

namespace DChat.Storage.S3;

/// <summary>Where blobs are kept in S3, and how long it may take. Every limit is of all tries of a request together, unless it says otherwise.</summary>
public sealed record S3BlobStoreOptions
{
    public required S3Url Url { get; init; }

    /// <summary>One try of a call that moves no content. Default: 8 s.</summary>
    public TimeSpan TryTime { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>A call that moves no content: opening, deleting, a page of a list. Default: 20 s.</summary>
    public TimeSpan CallTime { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>One try of sending a part or a small blob. Default: 60 s.</summary>
    public TimeSpan PartTryTime { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Sending a part or a small blob. Default: 3 minutes.</summary>
    public TimeSpan PartTime { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>Making one blob of its parts, which S3 does before it answers. Default: 5 minutes.</summary>
    public TimeSpan CompleteTime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>A blob that is being read and gives no byte for so long is opened anew where it stopped. Default: 20 s.</summary>
    public TimeSpan StallTime { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Tries after the first. Default: 3.</summary>
    public int Retries { get; init; } = 3;

    /// <summary>Blobs that may be open for reading at once; more wait, and are refused after <see cref="CallTime"/>. Default: 200.</summary>
    public int Readers { get; init; } = 200;

    /// <summary>Names that one answer to a listing holds, at most 1,000. Default: 1,000.</summary>
    public int ListPage { get; init; } = 1_000;

    /// <summary>Of a test; null: as the SDK finds them.</summary>
    internal AWSCredentials? Credentials { get; init; }
}
