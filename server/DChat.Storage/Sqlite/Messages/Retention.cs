using DChat.Core.Messages;

namespace DChat.Storage.Sqlite.Messages;

/// <summary>Takes messages away: the oldest of a room by age, and all of a deleted room.</summary>
internal static class Retention
{
    /// <summary>Removes up to <paramref name="limit"/>; answers the room after it, or null where nothing was removed, and whether there is more.</summary>
    public static (RoomRow? Changed, bool More) Retain(MessageTables tables, RoomAtEpoch room, long sentBefore, int limit)
    {
        if (tables.Rooms.FindReadable(room.Room) is not { } row || RoomFence.Judge(row, room.Epoch) == RoomStatus.Fenced)
        {
            return default;
        }

        // Times never decrease along seq, so what is too old is a range.
        var oldest = tables.Messages.Oldest(row.Key, row.RemovedSeq + 1, limit + 1);
        var old = oldest.TakeWhile(message => message.SentAt < sentBefore).ToList();
        var more = old.Count > limit;
        var removed = more ? old[..limit] : old;
        if (removed.Count == 0)
        {
            return default;
        }

        var after = row with { RemovedSeq = removed[^1].Seq, RemovedRev = Math.Max(row.RemovedRev, removed.Max(message => message.Rev)) };
        Remove(tables, row.Key, removed[0].Seq, after.RemovedSeq);
        tables.Rooms.SetRemoved(row.Key, after.RemovedSeq, after.RemovedRev);
        return (after, more);
    }

    /// <summary>Removes up to <paramref name="limit"/> messages, or answers, of a closed room; true while there is more.</summary>
    public static bool Purge(MessageTables tables, int limit)
    {
        if (tables.Rooms.FirstToPurge() is not { } key || tables.Rooms.Find(key) is not { } row)
        {
            return false;
        }

        if (row.RemovedSeq < row.Seq)
        {
            var upTo = Math.Min(row.Seq, row.RemovedSeq + limit);
            Remove(tables, key, row.RemovedSeq + 1, upTo);
            tables.Rooms.SetRemoved(key, upTo, row.Rev);
            return true;
        }

        if (tables.Answers.Purge(key, limit) == limit)
        {
            return true;
        }

        tables.ReadMarks.Purge(key);
        tables.Rooms.SetPurged(key);
        return tables.Rooms.FirstToPurge() is not null;
    }

    private static void Remove(MessageTables tables, long key, long fromSeq, long toSeq)
    {
        foreach (var (seq, names) in tables.Messages.Mentioning(key, fromSeq, toSeq))
        {
            tables.Mentions.Delete(key, seq, names);
        }

        tables.Reactions.Delete(key, fromSeq, toSeq);
        tables.Messages.Delete(key, fromSeq, toSeq);
    }
}
