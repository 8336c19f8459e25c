namespace DChat.Protocol;

/// <summary>
/// The names of the hub methods that a client calls, exactly as they stand on the wire.
/// Every method takes exactly one argument, a request object.
/// </summary>
public static class HubMethods
{
    public const string Sync = "sync";
    public const string Subscribe = "subscribe";
    public const string Unsubscribe = "unsubscribe";
    public const string ListRooms = "listRooms";
    public const string CreateRoom = "createRoom";
    public const string JoinRoom = "joinRoom";
    public const string LeaveRoom = "leaveRoom";
    public const string UpdateRoom = "updateRoom";
    public const string DeleteRoom = "deleteRoom";
    public const string Members = "members";
    public const string Bans = "bans";
    public const string Invite = "invite";
    public const string Kick = "kick";
    public const string Ban = "ban";
    public const string Unban = "unban";
    public const string Mute = "mute";
    public const string SetRole = "setRole";
    public const string OpenDirect = "openDirect";
    public const string Send = "send";
    public const string Edit = "edit";
    public const string Delete = "delete";
    public const string React = "react";
    public const string History = "history";
    public const string Search = "search";
    public const string MarkRead = "markRead";
    public const string Typing = "typing";
    public const string SetPresence = "setPresence";
}
