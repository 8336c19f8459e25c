namespace DChat.Core.Registry;

/// <param name="Epoch">Of the incarnation; all rooms of the worker have at least this epoch.</param>
public sealed record WorkerRegistered(string Worker, string Address, string Incarnation, int Capacity, IReadOnlyList<string> Labels, WorkerState State, long Epoch) : RegistryEvent;

/// <summary>The messages of all rooms are in this store, from now on.</summary>
public sealed record StoreBound(string Store) : RegistryEvent;

public sealed record WorkerStateChanged(string Worker, WorkerState State) : RegistryEvent;

public sealed record WorkerRemoved(string Worker) : RegistryEvent;

public sealed record RoomsAssigned(string Worker, IReadOnlyList<string> Rooms, long Epoch) : RegistryEvent;

public sealed record KeyAdded(string KeyId, byte[] Sealed, long CreatedAt, long ActivatesAt, long ExpiresAt) : RegistryEvent;

/// <summary>A line of the audit trail.</summary>
/// <param name="Action">The command's name, as in <c>ban</c>.</param>
/// <param name="Room">Empty where no room is concerned.</param>
/// <param name="Subject">The user, worker or key concerned; may be empty.</param>
public sealed record Audited(string Action, string Room, string Subject, string Text) : RegistryEvent;
