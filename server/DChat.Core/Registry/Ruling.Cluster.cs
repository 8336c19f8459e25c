using DChat.Core.Rooms;

namespace DChat.Core.Registry;

internal sealed partial class Ruling
{
    private Outcome Rule(RegisterWorker c)
    {
        if (!IsAdministration)
        {
            return NotTheCluster();
        }

        if (!IsId(c.Worker) || !IsId(c.Incarnation) || !IsAddress(c.Address)
            || c.Capacity is < 0 or > RegistryBounds.Capacity || !Enum.IsDefined(c.State)
            || c.Labels.Count > RegistryBounds.Labels || c.Labels.Any(label => !IsAddress(label)))
        {
            return Invalid("a worker has an id, an address, an incarnation, a capacity of 0 to 1,000,000 and at most 16 labels");
        }

        foreach (var other in state.Workers())
        {
            if (other.Id != c.Worker && other.Address == c.Address && other.State != WorkerState.Gone)
            {
                return Invalid($"worker {other.Id} has the address {c.Address} already");
            }
        }

        if (c.Store is { } store && store != state.Store)
        {
            if (!IsId(store))
            {
                return Invalid("a message store has an id of 1 to 64 characters");
            }

            if (state.Store.Length > 0 && state.RoomCount > 0)
            {
                return Invalid($"its message store ({store}) is not the one in which this cluster's {state.RoomCount} rooms have their messages ({state.Store}): what was acknowledged is not there");
            }

            if (state.Workers().FirstOrDefault(other => other.Id != c.Worker && other.Capacity > 0 && other.State != WorkerState.Gone) is { } host)
            {
                return Invalid($"its message store ({store}) is not the one of worker {host.Id} ({state.Store}): all hosts share one, so that any of them can take over the rooms of another");
            }

            Add(new StoreBound(store));
        }

        var known = state.FindWorker(c.Worker);
        if (known is null && state.WorkersById.Count >= RegistryBounds.Workers)
        {
            return TooMany($"there are {RegistryBounds.Workers} workers already");
        }

        var epoch = known?.Incarnation == c.Incarnation ? known.IncarnationEpoch : state.LastEpoch + 1;
        if (known is null || epoch != known.IncarnationEpoch || known.Address != c.Address || known.Capacity != c.Capacity
            || known.State != c.State || !known.Labels.SequenceEqual(c.Labels))
        {
            Add(new WorkerRegistered(c.Worker, c.Address, c.Incarnation, c.Capacity, c.Labels, c.State, epoch));
        }

        return Outcome.Ok(epoch.ToString());
    }

    private Outcome Rule(SetWorkerState c)
    {
        if (!IsAdministration)
        {
            return NotTheCluster();
        }

        if (!Enum.IsDefined(c.State))
        {
            return Invalid("a worker is pending, active, draining or gone");
        }

        if (state.FindWorker(c.Worker) is not { } worker || (c.Incarnation is not null && c.Incarnation != worker.Incarnation))
        {
            return Outcome.Refused(RefusalCodes.NotFound, "no such worker, or another incarnation of it");
        }

        // It was not so when the administrator looked: whoever drains is on its way out, and rooms that it was given would wait for its end.
        if (c.State == WorkerState.Active && command.Actor.Length > 0 && worker.State is WorkerState.Draining or WorkerState.Gone)
        {
            return Forbidden($"the worker {worker.Id} is {worker.State.ToString().ToLowerInvariant()}, and waits for nobody's approval");
        }

        // A process that ends by itself drains in any case: nobody could keep it.
        if (c.State == WorkerState.Draining && worker.State != c.State && command.Actor.Length > 0 && !HasOtherHost(worker))
        {
            return Forbidden($"no other active worker hosts rooms, and none would have a host: start another one with the message store first, or end the process of {worker.Id} (SIGTERM)");
        }

        if (worker.State != c.State)
        {
            Add(new WorkerStateChanged(worker.Id, c.State));
            Audit("setWorkerState", "", worker.Id, c.State.ToString().ToLowerInvariant());
        }

        return Outcome.Done;
    }

    private Outcome Rule(RemoveWorker c)
    {
        if (!IsAdministration)
        {
            return NotTheCluster();
        }

        if (state.FindWorker(c.Worker) is not { } worker)
        {
            return Outcome.Refused(RefusalCodes.NotFound, "no such worker");
        }

        if (c.Incarnation is not null && (c.Incarnation != worker.Incarnation || worker.State != WorkerState.Gone))
        {
            return Outcome.Refused(RefusalCodes.NotFound, "it came back"); // While this waited.
        }

        if (worker.RoomCount > 0)
        {
            return Forbidden($"{worker.RoomCount} rooms are assigned to the worker: move them first");
        }

        Add(new WorkerRemoved(worker.Id));
        if (command.Actor.Length > 0)
        {
            Audit("removeWorker", "", worker.Id); // What the cluster forgets by itself would push out what people did.
        }

        return Outcome.Done;
    }

    private Outcome Rule(AssignRooms c)
    {
        if (!IsAdministration)
        {
            return NotTheCluster();
        }

        if (c.Rooms.Count > RegistryBounds.BulkRooms)
        {
            return Invalid($"at most {RegistryBounds.BulkRooms} rooms at once");
        }

        if (state.FindWorker(c.Worker) is not { } worker)
        {
            return Outcome.Refused(RefusalCodes.NotFound, "no such worker");
        }

        // Not `unavailable`, which is worth a retry: these last.
        if (worker.State != WorkerState.Active)
        {
            return Invalid($"worker {worker.Id} is {worker.State.ToString().ToLowerInvariant()}: only an active one is given rooms");
        }

        if (worker.Capacity == 0)
        {
            return Invalid($"worker {worker.Id} is a gateway only (it has no message store, or a capacity of 0): it hosts no rooms");
        }

        // Who has a room keeps it, at its epoch.
        var rooms = c.Rooms.Where(room => state.FindRoom(room) is { } found && found.AssignedTo != worker.Id).Distinct(StringComparer.Ordinal).ToList();
        if (rooms.Count == 0)
        {
            return Outcome.Done;
        }

        var epoch = state.LastEpoch + 1;
        Add(new RoomsAssigned(worker.Id, rooms, epoch));
        if (command.Actor.Length > 0)
        {
            // What the cluster does by itself all the time would push out what people did.
            Audit("assignRooms", rooms.Count == 1 ? rooms[0] : "", worker.Id, $"{rooms.Count} rooms");
        }

        return Outcome.Ok(epoch.ToString());
    }

    private Outcome Rule(NoteExport c)
    {
        if (!IsAdministration)
        {
            return NotTheCluster();
        }

        if (state.FindRoom(c.Room) is null)
        {
            return Outcome.Refused(RefusalCodes.NotFound, "no such room");
        }

        Audit("exportRoom", c.Room, "");
        return Outcome.Done;
    }

    private Outcome Rule(NoteMemberReplaced c)
    {
        if (!IsAdministration)
        {
            return NotTheCluster();
        }

        if (!IsId(c.Member) || !IsAddress(c.Address))
        {
            return Invalid("a member has a name and an address");
        }

        Audit("replaceMember", "", c.Member, c.Address);
        return Outcome.Done;
    }

    private Outcome Rule(AddProtectionKey c)
    {
        if (command.Actor.Length > 0)
        {
            return NotTheCluster();
        }

        if (!IsId(c.KeyId) || c.Sealed.Length is 0 or > RegistryBounds.KeyBytes || c.CreatedAt < 0 || c.ActivatesAt < 0 || c.ExpiresAt < c.ActivatesAt)
        {
            return Invalid("a key has an id, 1 to 8,192 bytes and a time in which it is valid");
        }

        if (state.ProtectionKeys.All(key => key.KeyId != c.KeyId))
        {
            Add(new KeyAdded(c.KeyId, c.Sealed, c.CreatedAt, c.ActivatesAt, c.ExpiresAt));
        }

        return Outcome.Done;
    }

    private bool HasOtherHost(Worker worker) => state.Workers().Any(other => other is { State: WorkerState.Active, Capacity: > 0 } && other.Id != worker.Id);

    private static Outcome NotTheCluster() => Forbidden("only the cluster itself or an administrator does that");

    private static bool IsAddress(string text)
    {
        foreach (var c in text)
        {
            if (c is < '!' or > '~')
            {
                return false;
            }
        }

        return text.Length is > 0 and <= RegistryBounds.AddressLength;
    }
}
