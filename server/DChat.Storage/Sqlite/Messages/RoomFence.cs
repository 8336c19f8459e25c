using DChat.Core.Messages;

namespace DChat.Storage.Sqlite.Messages;

/// <summary>The epoch in a room's row: who may write the room.</summary>
internal static class RoomFence
{
    public static RoomOpening Open(RoomTable rooms, RoomAtEpoch wanted)
    {
        if (wanted.Epoch is < 1 or RoomRow.ClosedEpoch)
        {
            throw new ArgumentOutOfRangeException(nameof(wanted), wanted.Epoch, "an epoch is at least 1 and below that of closed rooms");
        }

        if (rooms.Find(wanted.Room) is not { } row)
        {
            rooms.Insert(wanted.Room, wanted.Epoch);
            return new RoomOpening(RoomStatus.Ok, 0, 0, 0);
        }

        var status = Judge(row, wanted.Epoch);
        if (status == RoomStatus.Stale)
        {
            rooms.SetEpoch(row.Key, wanted.Epoch);
            status = RoomStatus.Ok;
        }

        return new RoomOpening(status, row.Seq, row.Rev, row.LastSentAt);
    }

    /// <summary>The room's row before it was closed, or as it is where it was closed already.</summary>
    public static RoomRow Close(RoomTable rooms, string room)
    {
        if (rooms.Find(room) is not { } row)
        {
            return rooms.Insert(room, RoomRow.ClosedEpoch);
        }

        if (!row.Closed)
        {
            rooms.SetEpoch(row.Key, RoomRow.ClosedEpoch);
        }

        return row;
    }

    /// <summary><see cref="RoomStatus.Stale"/> where the room was not opened at this epoch yet.</summary>
    public static RoomStatus Judge(RoomRow row, long epoch) =>
        row.Closed ? RoomStatus.Closed
        : row.Epoch > epoch ? RoomStatus.Fenced
        : row.Epoch < epoch ? RoomStatus.Stale
        : RoomStatus.Ok;
}
