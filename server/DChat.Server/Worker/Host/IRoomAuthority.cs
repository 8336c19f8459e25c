using DChat.Core.Messages;
using DChat.Protocol;

namespace DChat.Server.Worker.Host;

/// <summary>What the host must know of the registry. Reads are local and never wait.</summary>
internal interface IRoomAuthority
{
    /// <summary>The epoch at which this worker hosts the room; null where it does not, or there is no such room.</summary>
    long? EpochOf(string room);

    /// <summary>The registry knows the room, wherever it is hosted.</summary>
    bool Exists(string room);

    /// <summary>Whether the change may be made, asked at the last moment before the commit; null: it may.</summary>
    HubError? Check(string room, RoomChange change);

    /// <summary>The least time between two messages of a plain member in this room, in seconds; 0: none.</summary>
    int SlowModeSeconds(string room);

    /// <summary>The least time between two messages of this user in this room, in seconds; 0: none.</summary>
    int SlowModeSeconds(string room, string user);

    /// <summary>The registry's latest notices of the room, oldest first, to be written as system messages.</summary>
    IReadOnlyList<RoomNotice> NoticesOf(string room);
}

/// <param name="Index">The registry entry's index; with <paramref name="Ordinal"/> it makes the message recognizable for ever.</param>
/// <param name="At">Unix milliseconds UTC.</param>
internal readonly record struct RoomNotice(long Index, int Ordinal, long At, string Text)
{
    public string ClientId => $"log-{Index}-{Ordinal}";
}
