namespace DChat.Protocol;

/// <summary>Kinds of rooms.</summary>
public static class RoomKinds
{
    public const string Room = "room";
    public const string Direct = "direct";
}

/// <summary>Who may find and join a room.</summary>
public static class Visibilities
{
    public const string Public = "public";
    public const string Private = "private";
}

/// <summary>Roles in a room.</summary>
public static class Roles
{
    public const string Owner = "owner";
    public const string Moderator = "moderator";
    public const string Member = "member";
    public const string Invited = "invited";
}

/// <summary>Kinds of messages. <see cref="System"/> is written by the host alone.</summary>
public static class MessageKinds
{
    public const string Text = "text";
    public const string Action = "action";
    public const string System = "system";
}

/// <summary>Kinds of changes of a room's messages.</summary>
public static class EventKinds
{
    public const string Posted = "posted";
    public const string Edited = "edited";
    public const string Deleted = "deleted";
    public const string Reacted = "reacted";
}

/// <summary>Presence states.</summary>
public static class PresenceStates
{
    public const string Online = "online";
    public const string Away = "away";
    public const string Offline = "offline";
}

/// <summary>Why a room was taken from a client's list.</summary>
public static class RemovalReasons
{
    public const string Left = "left";
    public const string Kicked = "kicked";
    public const string Banned = "banned";
    public const string Deleted = "deleted";
}
