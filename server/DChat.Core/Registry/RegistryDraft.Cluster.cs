using DChat.Core.Registry.Collections;

namespace DChat.Core.Registry;

internal sealed partial class RegistryDraft
{
    private void Apply(WorkerRegistered e)
    {
        RaiseEpoch(e.Epoch);
        var rooms = _workers.TryGetValue(e.Worker, out var known) ? known.Rooms : default;
        SetWorker(new Worker(e.Worker, e.Address, e.Incarnation, e.Capacity, [.. e.Labels], e.State, e.Epoch, _record.At) { Rooms = rooms });
    }

    private void Apply(RoomsAssigned e)
    {
        foreach (var room in e.Rooms)
        {
            Assign(room, e.Worker, e.Epoch);
        }
    }

    private void Assign(string roomId, string workerId, long epoch)
    {
        RaiseEpoch(epoch);
        var room = RoomOf(roomId);
        if (room.AssignedTo != workerId)
        {
            var entry = new HandleEntry(room.Handle);
            if (room.AssignedTo.Length > 0)
            {
                var before = WorkerOf(room.AssignedTo);
                SetWorker(before with { Rooms = before.Rooms.Remove(entry.Key) });
            }

            var worker = WorkerOf(workerId);
            SetWorker(worker with { Rooms = worker.Rooms.Set(entry) });
            workerId = worker.Id;
        }

        SetRoom(room with { AssignedTo = workerId, AssignedEpoch = epoch });
    }

    private void Apply(KeyAdded e)
    {
        var key = new ProtectionKey(e.KeyId, e.Sealed, e.CreatedAt, e.ActivatesAt, e.ExpiresAt);
        _keys = [.. _keys.Skip(Math.Max(0, _keys.Length - RegistryBounds.Keys + 1)), key];
    }

    private void Apply(Audited e)
    {
        var line = new AuditLine(++_auditCount, _index, _record.At, _record.Actor, e.Action, e.Room, e.Subject, e.Text);
        _audit = _audit.Count < RegistryBounds.AuditLines
            ? _audit.Append(line, _owner)
            : _audit.Set((int)((_auditCount - 1) % RegistryBounds.AuditLines), line, _owner);
    }
}
