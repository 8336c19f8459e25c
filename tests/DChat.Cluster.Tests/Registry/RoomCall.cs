using DChat.Core.Registry;

namespace DChat.Cluster.Tests.Registry;

/// <summary>Something that is done with one room, independently of all others: rooms are what histories are split by.</summary>
/// <param name="Command">Null: the room is read.</param>
internal sealed record RoomCall(string Room, Command? Command)
{
    public static RoomCall Of(Command command) => new(RoomOf(command), command);

    private static string RoomOf(Command command) => command switch
    {
        CreateRoom create => create.RoomId,
        JoinRoom join => join.Room,
        LeaveRoom leave => leave.Room,
        UpdateRoom update => update.Room,
        DeleteRoom delete => delete.Room,
        Kick kick => kick.Room,
        Ban ban => ban.Room,
        Unban unban => unban.Room,
        Mute mute => mute.Room,
        SetRole role => role.Room,
        _ => throw new ArgumentException($"{command.GetType().Name} is not of one room", nameof(command)),
    };
}
