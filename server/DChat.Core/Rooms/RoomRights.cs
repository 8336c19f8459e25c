using static DChat.Core.Rooms.RoomAction;

namespace DChat.Core.Rooms;

/// <summary>What somebody may want to do in a room.</summary>
public enum RoomAction : byte
{
    /// <summary>Know that it exists, and its settings.</summary>
    See,
    Join,

    /// <summary>Leave, or decline an invitation.</summary>
    Leave,

    /// <summary>Messages, history, search, files, events, presence, read marks.</summary>
    Read,

    /// <summary>Send a message, upload a file, react.</summary>
    Send,
    EditOwn,
    DeleteOwn,
    DeleteOthers,
    Typing,

    /// <summary>Send as often as one likes, however slow the room is set.</summary>
    IgnoreSlowMode,
    ListMembers,
    ListBans,
    Invite,
    Kick,
    Ban,
    Unban,
    Mute,
    SetRole,
    SetTopic,
    SetSlowMode,
    Rename,
    SetVisibility,
    SetPassword,
    Archive,
    Delete,

    /// <summary>Say how long messages are kept.</summary>
    SetRetention,
}

/// <summary>
/// Who may do what in a room: one table, role by action. The kind of room narrows it: in a direct room nobody has rights over
/// the other, an archived room is read-only. A server administrator may moderate every room, but reads none without being its member,
/// and looks into no private one.
/// </summary>
public static class RoomRights
{
    private static readonly Dictionary<RoomRole, RoomAction[]> Granted = new()
    {
        [RoomRole.None] = [See, Join],
        [RoomRole.Invited] = [See, Join, Leave],
        [RoomRole.Member] = [See, Leave, Read, Send, EditOwn, DeleteOwn, Typing, ListMembers, RoomAction.Invite],
        [RoomRole.Moderator] =
        [
            See, Leave, Read, Send, EditOwn, DeleteOwn, DeleteOthers, Typing, IgnoreSlowMode, ListMembers, ListBans,
            RoomAction.Invite, Kick, Ban, Unban, Mute, SetTopic, SetSlowMode,
        ],
        [RoomRole.Owner] =
        [
            See, Leave, Read, Send, EditOwn, DeleteOwn, DeleteOthers, Typing, IgnoreSlowMode, ListMembers, ListBans,
            RoomAction.Invite, Kick, Ban, Unban, Mute, SetRole, SetTopic, SetSlowMode, Rename, SetVisibility, SetPassword, Archive, Delete,
            SetRetention,
        ],
    };

    private static readonly RoomAction[] Administrator =
    [
        See, ListMembers, ListBans, Kick, Ban, Unban, Mute, SetRole, SetTopic, SetSlowMode, Rename, SetVisibility, SetPassword, Archive, Delete,
        SetRetention,
    ];

    /// <summary>Leaves no line in the audit trail, so an administrator may do it only where everybody sees the room.</summary>
    private static readonly RoomAction[] Looking = [See, ListMembers, ListBans];

    private static readonly RoomAction[] InDirectRooms = [See, Read, Send, EditOwn, DeleteOwn, Typing, IgnoreSlowMode, ListMembers];

    private static readonly RoomAction[] InArchivedRooms = [See, Leave, Read, ListMembers, ListBans, Kick, Ban, Unban, Archive, Delete];

    private static readonly bool[,] Table = BuildTable();
    private static readonly bool[] AdministratorRow = BuildRow(Administrator);
    private static readonly bool[] LookingRow = BuildRow(Looking);
    private static readonly bool[] DirectRow = BuildRow(InDirectRooms);
    private static readonly bool[] ArchivedRow = BuildRow(InArchivedRooms);

    /// <summary>The table's cell.</summary>
    public static bool Allows(RoomRole role, RoomAction action) => Table[(int)role, (int)action];

    /// <summary>Whether a server administrator may do it without a role in the room.</summary>
    public static bool AllowsAdministrator(RoomAction action, RoomVisibility visibility) =>
        AdministratorRow[(int)action] && (visibility == RoomVisibility.Public || !LookingRow[(int)action]);

    public static bool AllowedInDirect(RoomAction action) => DirectRow[(int)action];

    public static bool AllowedInArchived(RoomAction action) => ArchivedRow[(int)action];

    /// <summary>Whether an actor may kick, ban, mute or change the role of somebody: only of lower roles.</summary>
    public static bool Outranks(RoomRole actor, RoomRole subject) => actor >= RoomRole.Moderator && actor > subject;

    /// <summary>The refusal of an action, or null where it is allowed.</summary>
    /// <param name="admin">The actor is a server administrator.</param>
    public static string? Check(RoomKind kind, RoomVisibility visibility, bool archived, RoomRole role, bool admin, bool banned, RoomAction action)
    {
        if (role == RoomRole.None && (visibility == RoomVisibility.Private || kind == RoomKind.Direct)
            && !(admin && kind == RoomKind.Room && AllowsAdministrator(action, visibility)))
        {
            return RefusalCodes.NotFound;
        }

        if (kind == RoomKind.Direct && !AllowedInDirect(action))
        {
            return RefusalCodes.Forbidden;
        }

        if (!Allows(role, action) && !(admin && AllowsAdministrator(action, visibility)))
        {
            return banned ? RefusalCodes.Banned
                : role <= RoomRole.Invited && Allows(RoomRole.Owner, action) ? RefusalCodes.NotMember
                : RefusalCodes.Forbidden;
        }

        if (banned && action == Join)
        {
            return RefusalCodes.Banned;
        }

        return archived && !AllowedInArchived(action) ? RefusalCodes.Forbidden : null;
    }

    private static bool[,] BuildTable()
    {
        var table = new bool[(int)RoomRole.Owner + 1, Enum.GetValues<RoomAction>().Length];
        foreach (var (role, actions) in Granted)
        {
            foreach (var action in actions)
            {
                table[(int)role, (int)action] = true;
            }
        }

        return table;
    }

    private static bool[] BuildRow(RoomAction[] actions)
    {
        var row = new bool[Enum.GetValues<RoomAction>().Length];
        foreach (var action in actions)
        {
            row[(int)action] = true;
        }

        return row;
    }
}
