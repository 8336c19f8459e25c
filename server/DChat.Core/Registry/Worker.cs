using DChat.Core.Registry.Collections;

namespace DChat.Core.Registry;

/// <summary>The numbers stand in snapshots.</summary>
public enum WorkerState : byte
{
    /// <summary>Waits for an administrator's approval.</summary>
    Pending = 0,
    Active = 1,

    /// <summary>Gets no more rooms and gives its own away.</summary>
    Draining = 2,

    /// <summary>Dead or left.</summary>
    Gone = 3,
}

/// <param name="Address"><c>host:port</c> of its node interface.</param>
/// <param name="Incarnation">Of its process.</param>
/// <param name="Capacity">Relative to the other workers; 0: it hosts no rooms.</param>
/// <param name="IncarnationEpoch">The least epoch of all its rooms.</param>
public sealed record Worker(string Id, string Address, string Incarnation, int Capacity, IReadOnlyList<string> Labels, WorkerState State, long IncarnationEpoch, long RegisteredAt)
{
    internal SortedRuns<HandleEntry> Rooms { get; init; }

    /// <summary>How many rooms are assigned to it.</summary>
    public int RoomCount => Rooms.Count;
}

/// <summary>Who hosts a room.</summary>
/// <param name="Epoch">The fence: the higher of the assignment's and the incarnation's epoch.</param>
public readonly record struct RoomHost(string Worker, long Epoch);

/// <param name="Sealed">Wrapped by the cluster secret.</param>
public sealed record ProtectionKey(string KeyId, byte[] Sealed, long CreatedAt, long ActivatesAt, long ExpiresAt);

/// <summary>A line of the audit trail.</summary>
/// <param name="Number">1, 2, 3, …</param>
/// <param name="Index">The log entry's.</param>
public sealed record AuditLine(long Number, long Index, long At, string Actor, string Action, string Room, string Subject, string Text)
{
    /// <summary>The <see cref="Action"/> of every deletion of a room.</summary>
    public const string DeleteRoom = "deleteRoom";
}
