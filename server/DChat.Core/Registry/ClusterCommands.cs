namespace DChat.Core.Registry;

/// <summary>
/// A worker, or a new incarnation of one, or a changed address. A new incarnation raises the epochs of all the worker's rooms.
/// Result: the incarnation's epoch.
/// </summary>
/// <param name="Address"><c>host:port</c> of its node interface.</param>
/// <param name="Incarnation">Random, made when the process starts.</param>
/// <param name="Capacity">Relative to the other workers, at most 1,000,000; 0: it hosts no rooms.</param>
/// <param name="Labels"><c>key=value</c>.</param>
/// <param name="Store">The id of its message store: all workers of a cluster have the same, and it stays the same while there are rooms. Null: it has none.</param>
public sealed record RegisterWorker(string CommandId, string Actor, long At, string Worker, string Address, string Incarnation, int Capacity, IReadOnlyList<string> Labels, WorkerState State, string? Store = null)
    : Command(CommandId, Actor, At);

/// <param name="Incarnation">Refused where another one is registered; null: whichever it is.</param>
public sealed record SetWorkerState(string CommandId, string Actor, long At, string Worker, WorkerState State, string? Incarnation = null)
    : Command(CommandId, Actor, At);

/// <summary>Forgets a worker; refused while rooms are assigned to it.</summary>
/// <param name="Incarnation">Refused where another one is registered, or this one is not gone; null: whatever it is.</param>
public sealed record RemoveWorker(string CommandId, string Actor, long At, string Worker, string? Incarnation = null)
    : Command(CommandId, Actor, At);

/// <summary>Assigns rooms to an active worker with a new epoch; rooms that are no more are skipped. Result: the epoch.</summary>
/// <param name="Rooms">At most <see cref="RegistryBounds.BulkRooms"/>.</param>
public sealed record AssignRooms(string CommandId, string Actor, long At, string Worker, IReadOnlyList<string> Rooms)
    : Command(CommandId, Actor, At);

/// <summary>Leaves a line in the audit trail: what was said in a room is read out by somebody who need not be in it.</summary>
public sealed record NoteExport(string CommandId, string Actor, long At, string Room)
    : Command(CommandId, Actor, At);

/// <summary>Leaves a line in the audit trail: an etcd member of a coordinator is replaced.</summary>
/// <param name="Member">Its name.</param>
/// <param name="Address">Where the new one is expected.</param>
public sealed record NoteMemberReplaced(string CommandId, string Actor, long At, string Member, string Address)
    : Command(CommandId, Actor, At);

/// <summary>Adds a token-protection key.</summary>
/// <param name="Sealed">Wrapped by the cluster secret; at most <see cref="RegistryBounds.KeyBytes"/>.</param>
public sealed record AddProtectionKey(string CommandId, string Actor, long At, string KeyId, byte[] Sealed, long CreatedAt, long ActivatesAt, long ExpiresAt)
    : Command(CommandId, Actor, At);
