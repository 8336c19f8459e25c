namespace DChat.Protocol;

/// <summary><c>sync</c>: every room of the user. Rooms that <paramref name="Revs"/> does not name start with a fresh page.</summary>
/// <param name="Revs">By room id, the last revision seen.</param>
public sealed record SyncRequest(IReadOnlyDictionary<string, long>? Revs = null);

/// <param name="Rooms">Rooms that did not fit in 1,000 messages or 1 MiB come without messages and with <c>more</c>.</param>
/// <param name="Invitations">Rooms to which the user is invited.</param>
public sealed record SyncAnswer(Me Me, ServerInfo Server, IReadOnlyList<RoomSync> Rooms, IReadOnlyList<Room> Invitations);

/// <param name="AfterRev">The last revision seen; null for a fresh page.</param>
public sealed record SubscribeRequest(string? Room, long? AfterRev = null);

/// <summary>A request that names a room and nothing else: <c>unsubscribe</c>, <c>leaveRoom</c>, <c>deleteRoom</c>, <c>typing</c>.</summary>
public sealed record RoomRequest(string? Room);

/// <param name="Query">Part of a name or topic; null or empty for all.</param>
/// <param name="After">The <c>next</c> of the page before.</param>
/// <param name="Limit">1 to 200; 50 when absent.</param>
public sealed record ListRoomsRequest(string? Query = null, string? After = null, int? Limit = null);

public sealed record ListRoomsAnswer(IReadOnlyList<RoomSummary> Rooms, string? Next = null);

/// <param name="CommandId">1 to 64 characters; a repeat within 24 hours gets the first answer.</param>
public sealed record CreateRoomRequest(string? Name, string? Topic = null, string? Visibility = null, string? Password = null, string? CommandId = null);

/// <param name="Room">A room's id, or the name of a public room.</param>
public sealed record JoinRoomRequest(string? Room, string? Password = null);

/// <summary>What is absent stays; <c>""</c> clears topic or password.</summary>
/// <param name="SlowModeSeconds">0 to 3,600; 0: off.</param>
/// <param name="RetentionDays">Messages are removed after so many days, 1 to 36,500; 0: as the server keeps them.</param>
public sealed record UpdateRoomRequest(string? Room, string? Name = null, string? Topic = null, string? Visibility = null, string? Password = null, int? SlowModeSeconds = null, bool? Archived = null, int? RetentionDays = null);

/// <summary><c>members</c> and <c>bans</c>.</summary>
/// <param name="Limit">1 to 200; 100 when absent.</param>
public sealed record MembersRequest(string? Room, string? After = null, int? Limit = null);

public sealed record MembersAnswer(IReadOnlyList<Member> Members, string? Next = null);

public sealed record BansAnswer(IReadOnlyList<BanInfo> Bans, string? Next = null);

/// <summary><c>invite</c>, <c>kick</c>, <c>ban</c>, <c>unban</c>, <c>mute</c>, <c>setRole</c>.</summary>
/// <param name="Minutes">Of a mute: 1 to 525,600; 0 ends it; 60 when absent.</param>
/// <param name="Role">Of <c>setRole</c>: owner, moderator or member.</param>
public sealed record MemberRequest(string? Room, string? User, string? Reason = null, int? Minutes = null, string? Role = null);

public sealed record OpenDirectRequest(string? User);

/// <param name="ClientId">1 to 64 characters, chosen by the client (a UUID or ULID). The same id again gets the first answer, for ever.</param>
/// <param name="Body">1 to 8,000 code points, not blank (may be empty with files), no U+0000, no lone surrogate.</param>
/// <param name="Kind"><c>text</c> (when absent) or <c>action</c>.</param>
/// <param name="ReplyTo">The <c>seq</c> of a message of the room.</param>
/// <param name="Files">Ids of files uploaded to the room; at most 10.</param>
public sealed record SendRequest(string? Room, string? ClientId, string? Body, string? Kind = null, long? ReplyTo = null, IReadOnlyList<string>? Files = null);

public sealed record SendAnswer(long Seq, long Rev, long SentAt);

public sealed record EditRequest(string? Room, string? ClientId, long? Seq, string? Body);

public sealed record DeleteRequest(string? Room, string? ClientId, long? Seq);

/// <param name="Emoji">One grapheme of at most 32 bytes.</param>
/// <param name="On">False takes the reaction back; true when absent.</param>
public sealed record ReactRequest(string? Room, string? ClientId, long? Seq, string? Emoji, bool? On = null);

/// <summary>The answer of <c>edit</c>, <c>delete</c> and <c>react</c>.</summary>
public sealed record RevAnswer(long Rev);

/// <param name="BeforeSeq">Messages below it; the newest when absent.</param>
/// <param name="Limit">1 to 200; 50 when absent.</param>
public sealed record HistoryRequest(string? Room, long? BeforeSeq = null, int? Limit = null);

/// <param name="Messages">Ascending by <c>seq</c>.</param>
/// <param name="More">There are older ones.</param>
public sealed record HistoryAnswer(IReadOnlyList<Message> Messages, bool More);

/// <param name="Query">Words, all of which a message must contain; <c>"quoted"</c> words stand together; a trailing <c>*</c> is a prefix.</param>
/// <param name="Room">Only there; in all rooms of the user when absent.</param>
/// <param name="Limit">1 to 200; 50 when absent.</param>
public sealed record SearchRequest(string? Query, string? Room = null, string? After = null, int? Limit = null);

public sealed record SearchHit(string Room, Message Message);

public sealed record SearchAnswer(IReadOnlyList<SearchHit> Hits, string? Next = null);

public sealed record MarkReadRequest(string? Room, long? Seq);

/// <param name="State"><c>online</c> or <c>away</c>.</param>
public sealed record SetPresenceRequest(string? State);

/// <summary>The answer of a method that answers nothing, and a request that has nothing to say.</summary>
public sealed record Nothing;
