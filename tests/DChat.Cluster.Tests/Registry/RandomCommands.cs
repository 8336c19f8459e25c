using DChat.Core.Registry;
using DChat.Core.Rooms;

namespace DChat.Cluster.Tests.Registry;

/// <summary>Commands on rooms, one as likely as makes rooms change hands, fill and empty, and refusals frequent.</summary>
/// <param name="users">Names of accounts.</param>
internal sealed class RandomCommands(Random random, IReadOnlyList<string> users)
{
    /// <summary>Later than any test runs, in Unix milliseconds: no mute ends by itself.</summary>
    private const long Later = 1L << 45;

    public Command Create(string id, string actor, string room) => new CreateRoom(id, actor, Now, room, room, null, RoomVisibility.Public, null, "");

    public Command Next(string id, string actor, string room)
    {
        var other = users[random.Next(users.Count)];
        return random.Next(20) switch
        {
            < 5 => new JoinRoom(id, actor, Now, room),
            < 10 => new LeaveRoom(id, actor, Now, room),
            < 14 => new UpdateRoom(id, actor, Now, room, Topic: $"of {id}"),
            < 16 => new SetRole(id, actor, Now, room, other, (RoomRole)random.Next((int)RoomRole.Member, (int)RoomRole.Owner + 1)),
            < 17 => new Mute(id, actor, Now, room, other, random.Next(3) == 0 ? 0 : Later + random.Next(1_000)),
            17 => new Kick(id, actor, Now, room, other),
            18 => new Ban(id, actor, Now, room, other),
            _ => new Unban(id, actor, Now, room, other),
        };
    }

    private static long Now => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
}
