using DChat.Protocol;

namespace DChat.Server.Cli;

/// <summary>
/// The limits on everything that comes from outside. The defaults suit an office behind one NAT address.
/// 0 means no limit, unless a property says otherwise.
/// </summary>
public sealed record LimitsOptions
{
    /// <summary>Sends that a user may make at once. Default: 500.</summary>
    public int SendBurst { get; init; } = 500;

    /// <summary>Sends a second that a user may make after the burst. Default: 100.</summary>
    public int SendsPerSecond { get; init; } = 100;

    /// <summary>Other calls that a user may make at once; and as many sends that are refused and may be repeats. Default: 1,000.</summary>
    public int CallBurst { get; init; } = 1_000;

    /// <summary>Other calls a second that a user may make after the burst; and as many sends that are refused. Default: 200.</summary>
    public int CallsPerSecond { get; init; } = 200;

    /// <summary>Open connections of one address. Default: 20,000.</summary>
    public int ConnectionsPerAddress { get; init; } = 20_000;

    /// <summary>Open connections in all. Default: 100,000.</summary>
    public int Connections { get; init; } = 100_000;

    /// <summary>Open connections of one user. Default: 100.</summary>
    public int ConnectionsPerUser { get; init; } = 100;

    /// <summary>Clients that are to come back in a second where this worker is lost: each is told over how long, 0.5 to 10 s. 0: within 0.5 s. Default: 700.</summary>
    public int ReconnectsPerSecond { get; init; } = 700;

    /// <summary>Calls of one connection that are worked on at once; more wait, unread. 1 to 10,000. Default: 64.</summary>
    public int OpenRequests { get; init; } = 64;

    /// <summary>What waits to be written to one connection, in bytes, before it gets <c>resync</c>. 65,536 to 1 GiB. Default: 1 MiB.</summary>
    public long OutboxBytes { get; init; } = 1024 * 1024;

    /// <summary>The largest hub call in bytes; a larger one closes the connection. 16 KiB to 256 KiB. Default: 256 KiB.</summary>
    public int HubCallBytes { get; init; } = ProtocolLimits.HubCallBytesMax;

    /// <summary>The largest HTTP request in bytes that is not a file. 16 KiB to 16 MiB. Default: 256 KiB.</summary>
    public int HttpBodyBytes { get; init; } = 256 * 1024;

    /// <summary>The longest message in code points, 1 to 8,000. Default: 8,000.</summary>
    public int BodyCodePoints { get; init; } = ProtocolLimits.BodyMax;

    /// <summary>The longest room name in characters, 1 to 64. Default: 64.</summary>
    public int RoomNameChars { get; init; } = ProtocolLimits.RoomNameMax;

    /// <summary>The longest topic in code points, 1 to 500. Default: 500.</summary>
    public int TopicCodePoints { get; init; } = ProtocolLimits.TopicMax;

    /// <summary>Rooms of which a user may be a member. Default: 500.</summary>
    public int RoomsPerUser { get; init; } = 500;

    /// <summary>Members of a room. Default: 100,000.</summary>
    public int MembersPerRoom { get; init; } = 100_000;

    /// <summary>Failed logins of an account before each further one must wait. Default: 10.</summary>
    public int LoginAttemptsPerAccount { get; init; } = 10;

    /// <summary>Failed logins from an address before each further one must wait. Default: 100.</summary>
    public int LoginAttemptsPerAddress { get; init; } = 100;

    /// <summary>The first wait after too many failed logins, in seconds; it doubles each time. 1 to 3,600. Default: 1.</summary>
    public int LoginDelaySeconds { get; init; } = 1;

    /// <summary>The longest wait after too many failed logins, in seconds. 1 to 86,400. Default: 300.</summary>
    public int LoginDelayMaxSeconds { get; init; } = 300;

    /// <summary>Accounts that one address may register in an hour. Default: 1,000.</summary>
    public int RegistrationsPerAddress { get; init; } = 1_000;

    /// <summary>Passwords that are hashed at once; 0, the default: one for each processor but one, at least one.</summary>
    public int PasswordHashes { get; init; }

    /// <summary>Long-lived tokens of one account. Default: 20.</summary>
    public int TokensPerUser { get; init; } = 20;

    /// <summary>Searches that a user may make at once. Default: 20.</summary>
    public int SearchBurst { get; init; } = 20;

    /// <summary>Searches a second that a user may make after the burst. Default: 5.</summary>
    public int SearchesPerSecond { get; init; } = 5;

    /// <summary>Searches that run at once, of all users; more wait. 1 to 64. Default: 4.</summary>
    public int ConcurrentSearches { get; init; } = 4;

    /// <summary>The longest time that a search may take, in milliseconds. Default: 2,000.</summary>
    public int SearchMilliseconds { get; init; } = 2_000;

    /// <summary><see cref="SearchMilliseconds"/>, as a timer has it.</summary>
    internal TimeSpan SearchTime => SearchMilliseconds == 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(SearchMilliseconds);

    /// <summary>The largest file in bytes. Default: 25 MiB.</summary>
    public long FileBytes { get; init; } = 25 * 1024 * 1024;

    /// <summary>The media types that may be uploaded, separated by commas: <c>image/*,text/plain</c>. Default: <c>*</c>, any.</summary>
    public string FileTypes { get; init; } = "*";

    /// <summary>Files that a user may upload in an hour. Default: 500.</summary>
    public int FilesPerHour { get; init; } = 500;

    /// <summary>Uploads at once, of all users; more are refused. 1 to 10,000. Default: 64.</summary>
    public int ConcurrentUploads { get; init; } = 64;

    /// <summary>What clients are told.</summary>
    public ServerLimits ToContract() => new(
        BodyCodePoints,
        HubCallBytes,
        FileBytes,
        ProtocolLimits.PageMax,
        SendsPerSecond,
        SendBurst,
        RoomsPerUser,
        MembersPerRoom);
}
