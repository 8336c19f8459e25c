namespace DChat.Core.Registry;

public sealed partial class RegistryState
{
    public Worker? FindWorker(string id) => WorkersById.GetValueOrDefault(id);

    /// <summary>All workers, by id.</summary>
    public IReadOnlyList<Worker> Workers() => [.. WorkersById.Values];

    /// <summary>Where a room is hosted, whatever state the worker is in; null where it is assigned to none.</summary>
    public RoomHost? HostOf(Room room) =>
        FindWorker(room.AssignedTo) is { } worker ? new RoomHost(worker.Id, Math.Max(room.AssignedEpoch, worker.IncarnationEpoch)) : null;

    /// <summary>The rooms assigned to a worker, in order of creation; as many as there are.</summary>
    public IEnumerable<Room> RoomsOn(string worker) =>
        FindWorker(worker) is { } found ? found.Rooms.After().Select(entry => RoomsByHandle[entry.Handle]!) : [];

    /// <summary>The newest <see cref="RegistryBounds.Keys"/>, oldest first.</summary>
    public IReadOnlyList<ProtectionKey> ProtectionKeys => Keys;

    /// <summary>The audit trail, newest first.</summary>
    /// <param name="before">The <see cref="AuditLine.Number"/> of the last line of the page before; null: the newest.</param>
    public IReadOnlyList<AuditLine> AuditPage(long? before, int limit)
    {
        var page = new List<AuditLine>();
        var number = Math.Min(before ?? long.MaxValue, AuditCount + 1) - 1;
        for (; number > AuditCount - AuditRing.Count && page.Count < limit; number--)
        {
            page.Add(AuditRing[(int)((number - 1) % RegistryBounds.AuditLines)]);
        }

        return page;
    }

    /// <summary>
    /// Rooms that entries after <paramref name="index"/> deleted, newest first, as far as the audit trail goes back. Not every room that is not
    /// known was deleted: a restore does not know those that were made after its snapshot.
    /// </summary>
    public IEnumerable<string> DeletionsAfter(long index)
    {
        for (var number = AuditCount; number > AuditCount - AuditRing.Count; number--)
        {
            var line = AuditRing[(int)((number - 1) % RegistryBounds.AuditLines)];
            if (line.Index <= index)
            {
                yield break;
            }

            if (line.Action == AuditLine.DeleteRoom)
            {
                yield return line.Room;
            }
        }
    }
}
