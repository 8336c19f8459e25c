namespace DChat.Protocol;

/// <summary>A room as its caller sees it.</summary>
/// <param name="Id">Random, never used again.</param>
/// <param name="Name">1 to 64 characters; empty for a direct room.</param>
/// <param name="Kind"><see cref="RoomKinds"/>.</param>
/// <param name="Visibility"><see cref="Visibilities"/>.</param>
/// <param name="Owner">One of the owners; null for a direct room.</param>
/// <param name="Role">The caller's: <see cref="Roles"/>; null where the caller is not in the room.</param>
/// <param name="Members">How many members the room has.</param>
/// <param name="SlowModeSeconds">The least time between two messages of a plain member; 0: none.</param>
/// <param name="CreatedAt">Unix milliseconds UTC.</param>
/// <param name="RetentionDays">Messages are removed after so many days; null: as the server keeps them.</param>
/// <param name="Peer">In a direct room, the other user (the user itself in a room with oneself); else null.</param>
public sealed record Room(
    string Id,
    string Name,
    string Kind,
    string? Topic,
    string Visibility,
    bool HasPassword,
    string? Owner,
    string? Role,
    int Members,
    int SlowModeSeconds,
    bool Archived,
    long CreatedAt,
    string? Peer = null,
    int? RetentionDays = null);

/// <summary>A room in a listing.</summary>
/// <param name="Online">How many of its members are online now.</param>
/// <param name="Joined">Whether the caller is a member.</param>
/// <param name="LastActivityAt">Unix milliseconds UTC of the last message, or of the creation.</param>
public sealed record RoomSummary(
    string Id,
    string Name,
    string? Topic,
    string Visibility,
    bool HasPassword,
    int Members,
    int Online,
    bool Joined,
    long LastActivityAt);

/// <summary>What a client needs to go on in a room: what changed, and where the live events begin.</summary>
/// <param name="Rev">The room's revision at that moment; live events go on at <c>Rev + 1</c> and may overtake this answer.</param>
/// <param name="Reset">The given revision could not be continued: forget the room's messages, <paramref name="Messages"/> is a fresh page.</param>
/// <param name="Messages">Those changed after the given revision, lowest <c>rev</c> first; or the newest page, ascending by <c>seq</c>, when <paramref name="Reset"/>.</param>
/// <param name="More">There are others: call <c>subscribe</c> again with the highest <c>rev</c> received (with reset: page back with <c>history</c>).</param>
/// <param name="ReadSeq">The caller's read mark.</param>
/// <param name="Unread">How many messages follow the read mark.</param>
/// <param name="Mentions">How many unread messages name the caller as <c>@user</c>.</param>
/// <param name="Online">At most 500 names.</param>
public sealed record RoomSync(
    Room Room,
    long Rev,
    bool Reset,
    IReadOnlyList<Message> Messages,
    bool More,
    long ReadSeq,
    long Unread,
    long Mentions,
    IReadOnlyList<string> Online,
    int OnlineCount);

/// <summary>A message in the state of its latest change.</summary>
/// <param name="Seq">Its number in the room: 1, 2, 3, … in order of commit, without holes.</param>
/// <param name="Rev">The room's revision of the message's latest change.</param>
/// <param name="Kind"><see cref="MessageKinds"/>.</param>
/// <param name="Author">The user's name; empty for a system message.</param>
/// <param name="SentAt">Unix milliseconds UTC; never decreases along <c>seq</c>.</param>
/// <param name="Body">Empty when deleted.</param>
/// <param name="ReplyTo">The <c>seq</c> of the message that it answers.</param>
/// <param name="Reactions">By emoji.</param>
/// <param name="Mine">The emoji with which the reader reacted; only in pages, never in events.</param>
public sealed record Message(
    long Seq,
    long Rev,
    string Kind,
    string Author,
    string ClientId,
    long SentAt,
    string Body,
    long? ReplyTo = null,
    long? EditedAt = null,
    long? DeletedAt = null,
    IReadOnlyList<FileInfo>? Files = null,
    IReadOnlyDictionary<string, ReactionSummary>? Reactions = null,
    IReadOnlyList<string>? Mine = null);

/// <summary>Who reacted with one emoji.</summary>
/// <param name="Users">The first 10, in order of reaction.</param>
public sealed record ReactionSummary(int Count, IReadOnlyList<string> Users);

/// <summary>A file in a room (<c>File</c> in the contract).</summary>
/// <param name="Size">Bytes.</param>
/// <param name="Type">The media type, as the server recognized or accepted it.</param>
public sealed record FileInfo(string Id, string Name, long Size, string Type);

/// <summary>A member in a listing.</summary>
public sealed record Member(string User, string DisplayName, string Role, bool Online);

/// <summary>A ban in a listing.</summary>
/// <param name="At">Unix milliseconds UTC.</param>
public sealed record BanInfo(string User, string By, string? Reason, long At);

/// <summary>The server's limits, as clients need them. 0: no limit.</summary>
/// <param name="BodyCodePoints">The longest message body, in Unicode code points.</param>
/// <param name="HubCallBytes">The largest hub call; a larger one closes the connection.</param>
/// <param name="FileBytes">The largest file.</param>
/// <param name="PageMessages">The largest page.</param>
/// <param name="SendsPerSecond">A user's sustained sends a second, after the burst.</param>
/// <param name="SendBurst">How many sends a user may make at once.</param>
public sealed record ServerLimits(
    int BodyCodePoints,
    int HubCallBytes,
    long FileBytes,
    int PageMessages,
    int SendsPerSecond,
    int SendBurst,
    int RoomsPerUser,
    int MembersPerRoom);

/// <summary>What the server is.</summary>
/// <param name="Worker">The id of the worker that answers.</param>
public sealed record ServerInfo(string Version, int Protocol, string Worker, ServerLimits Limits);

/// <summary>The signed-in account.</summary>
/// <param name="Roles">Server roles: <c>admin</c> or none.</param>
public sealed record Me(string User, string DisplayName, IReadOnlyList<string> Roles);
