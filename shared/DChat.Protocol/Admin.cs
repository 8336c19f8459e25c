namespace DChat.Protocol;

/// <summary><c>GET /api/admin/status</c>: the cluster at a glance, as its leader sees it.</summary>
/// <param name="Leader">The coordinator that leads, <c>host:port</c> of its node interface.</param>
/// <param name="Term">Of its leadership.</param>
/// <param name="Index">The last entry of the registry's log.</param>
/// <param name="SnapshotIndex">The entry up to which the newest verified snapshot goes; 0: none.</param>
/// <param name="Online">Connections of clients in all.</param>
/// <param name="Coordinators">The leader first, then the standbys that are linked to it.</param>
/// <param name="SnapshotAgeMs">Since the newest verified snapshot was written, in milliseconds; absent: there is none, or it is not known.</param>
/// <param name="SnapshotError">Why the last attempt to keep a snapshot failed; absent: it did not. The log is not truncated meanwhile.</param>
/// <param name="LogEntries">Entries that the log holds.</param>
/// <param name="LogFull">The log takes no entry, as it has no space left: the registry cannot be changed. Coordinators of the version before do not say so.</param>
public sealed record ClusterStatus(
    string Leader,
    long Term,
    long Index,
    long SnapshotIndex,
    int Accounts,
    int Rooms,
    long Memberships,
    int Online,
    IReadOnlyList<WorkerStatus> Workers,
    IReadOnlyList<CoordinatorStatus>? Coordinators = null,
    long? SnapshotAgeMs = null,
    string? SnapshotError = null,
    long LogEntries = 0,
    bool LogFull = false);

/// <summary>A coordinator as the leader sees it.</summary>
/// <param name="Address"><c>host:port</c> of its node interface.</param>
/// <param name="Role"><c>leader</c>, <c>standby</c>, or <c>parked</c>: its program is older than the registry, and it does neither until it is upgraded.</param>
/// <param name="Lag">Log entries that it has not applied, by its last report.</param>
/// <param name="SeenMs">Since it was last heard, in milliseconds.</param>
public sealed record CoordinatorStatus(string Address, string Role, long Lag, long SeenMs, string? Version);

/// <summary>A worker as the leader sees it.</summary>
/// <param name="Address"><c>host:port</c> of its node interface.</param>
/// <param name="State"><c>pending</c>, <c>active</c>, <c>draining</c> or <c>gone</c>.</param>
/// <param name="Rooms">Assigned to it.</param>
/// <param name="Load">What its rooms are expected to cost, in deliveries a second, divided by its capacity.</param>
/// <param name="Lag">Log entries that it has not applied, by its last report; null: no report.</param>
/// <param name="SeenMs">Since it was last heard, in milliseconds; null: never by this leader.</param>
/// <param name="StoreError">Why its message store cannot be used; absent: it can.</param>
/// <param name="Unreachable">Workers that it cannot reach; absent: none.</param>
/// <param name="Unfit">Why it is given no rooms and those that it has go to others, where there are any: one of <see cref="UnfitReasons"/>; absent: nothing speaks against it.</param>
public sealed record WorkerStatus(
    string Id,
    string Address,
    string State,
    int Capacity,
    IReadOnlyList<string> Labels,
    int Rooms,
    double Load,
    int Connections,
    double DeliveriesPerSecond,
    long? Lag,
    string? Version,
    long? SeenMs,
    string? StoreError = null,
    IReadOnlyList<string>? Unreachable = null,
    string? Unfit = null);

/// <summary>Why a worker that is active is given no rooms.</summary>
public static class UnfitReasons
{
    /// <summary>It and others cannot reach each other.</summary>
    public const string Isolated = "isolated";

    /// <summary>It cannot use the message store, and others can.</summary>
    public const string Store = "store";
}

/// <summary><c>GET /api/admin/members</c>: the etcd members that the coordinators run.</summary>
/// <param name="Peers">The <c>--peers</c> that a coordinator is to be started with now.</param>
/// <param name="Problem">Why this may not be how it is, and nothing can be changed: more than half of the members do not agree. Null: they do.</param>
public sealed record AdminMembers(IReadOnlyList<AdminMember> Members, string Peers, string? Problem = null);

/// <summary>An etcd member, as a coordinator sees it.</summary>
/// <param name="Name">Its coordinator's <c>--node</c>; empty where that is not known yet.</param>
/// <param name="Address">Where the others reach it, <c>host:port</c>.</param>
/// <param name="State"><c>up</c>, <c>away</c>, <c>expected</c> (it was added and has not run yet, or does not count yet), or <c>missing</c> (its replacement was broken off).</param>
/// <param name="Leads">Whether it leads etcd, which need not be the coordinator that leads.</param>
public sealed record AdminMember(string Name, string Address, string State, bool Leads);

/// <summary><c>POST /api/admin/members/{name}/replace</c>.</summary>
/// <param name="Address">Where the new member will be reached, <c>host</c> or <c>host:port</c>.</param>
/// <param name="Force">Also where the old one still runs.</param>
public sealed record ReplaceMemberRequest(string Address, bool Force = false);

/// <summary><c>GET /api/admin/rooms</c>.</summary>
/// <param name="Next">Give it as <c>after</c> for the next page; absent: this is the last.</param>
public sealed record AdminRooms(IReadOnlyList<AdminRoom> Rooms, string? Next = null);

/// <param name="Worker">The id of its host; absent: none yet.</param>
/// <param name="Epoch">Of its assignment.</param>
/// <param name="Kind"><c>room</c> or <c>direct</c>.</param>
public sealed record AdminRoom(
    string Id, string Name, string Kind, string Visibility, int Members, string CreatedBy, long CreatedAt, bool Archived, int RetentionDays, string? Worker, long Epoch, IReadOnlyList<string>? Owners = null);

/// <summary><c>POST /api/admin/rooms/{room}/move</c>.</summary>
public sealed record MoveRoomRequest(string? Worker);

/// <summary><c>GET /api/admin/users</c>.</summary>
/// <param name="Next">Give it as <c>after</c> for the next page; absent: this is the last.</param>
public sealed record AdminUsers(IReadOnlyList<AdminUser> Users, string? Next = null);

public sealed record AdminUser(string User, string DisplayName, IReadOnlyList<string> Roles, bool Disabled, int Rooms, long CreatedAt);

/// <summary><c>GET /api/admin/audit</c>, newest first.</summary>
/// <param name="Next">Give it as <c>before</c> for the next page; absent: this is the last.</param>
public sealed record AuditTrail(IReadOnlyList<AuditEntry> Entries, long? Next = null);

/// <param name="At">Unix milliseconds UTC.</param>
/// <param name="Actor">Who did it; empty: the cluster itself.</param>
/// <param name="Action">The command's name, such as <c>ban</c>.</param>
public sealed record AuditEntry(long Number, long At, string Actor, string Action, string Room, string Subject, string Text);

/// <summary>The last line of a room's export: without it the export is not whole.</summary>
/// <param name="Kind"><c>export</c>, which no message is.</param>
/// <param name="Messages">Lines before this one.</param>
/// <param name="LastSeq">Of the newest message; 0: there is none.</param>
public sealed record ExportEnd(string Kind, long Messages, long LastSeq);
