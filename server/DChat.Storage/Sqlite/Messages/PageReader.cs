using DChat.Core.Messages;

namespace DChat.Storage.Sqlite.Messages;

/// <summary>Reads pages of one room, inside a snapshot.</summary>
internal static class PageReader
{
    public static ChangesPage After(MessageTables tables, string room, long afterRev, int limit, string? reader)
    {
        var row = tables.Rooms.FindReadable(room) ?? default;
        if (afterRev > row.Rev || afterRev < row.RemovedRev)
        {
            var newest = Before(tables, row, null, limit, reader);
            return new ChangesPage(true, row.Rev, newest.Messages, newest.More);
        }

        if (afterRev == row.Rev)
        {
            return new ChangesPage(false, row.Rev, [], false);
        }

        var messages = tables.Messages.After(row.Key, afterRev, limit + 1);
        var more = messages.Count > limit;
        if (more)
        {
            messages.RemoveAt(limit);
        }

        return new ChangesPage(false, row.Rev, WithMine(tables, row.Key, messages, reader), more);
    }

    public static MessagesPage Before(MessageTables tables, string room, long? beforeSeq, int limit, string? reader) =>
        Before(tables, tables.Rooms.FindReadable(room) ?? default, beforeSeq, limit, reader);

    public static Message? One(MessageTables tables, string room, long seq, string? reader)
    {
        if (tables.Rooms.FindReadable(room) is not { } row || !row.HasMessage(seq) || tables.Messages.Find(row.Key, seq) is not { } message)
        {
            return null;
        }

        return WithMine(tables, row.Key, message, reader);
    }

    public static Message WithMine(MessageTables tables, long roomKey, Message message, string? reader) =>
        reader is null || message.Reactions.Count == 0
            ? message
            : message with { Mine = tables.Reactions.Mine(roomKey, message, reader) };

    public static ReadState ReadMark(MessageTables tables, string user, string room)
    {
        if (tables.Rooms.FindReadable(room) is not { } row)
        {
            return default;
        }

        var mark = tables.ReadMarks.Find(row.Key, user);
        var from = Math.Max(mark, row.RemovedSeq);
        var unread = row.Seq - from;
        return new ReadState(mark, unread, unread == 0 ? 0 : tables.Mentions.CountAfter(row.Key, user, from));
    }

    private static MessagesPage Before(MessageTables tables, RoomRow row, long? beforeSeq, int limit, string? reader)
    {
        var before = Math.Min(beforeSeq ?? long.MaxValue, row.Seq + 1);
        if (before <= row.RemovedSeq + 1)
        {
            return new MessagesPage([], false);
        }

        var messages = tables.Messages.Before(row.Key, before, limit);
        return new MessagesPage(WithMine(tables, row.Key, messages, reader), messages[0].Seq > row.RemovedSeq + 1);
    }

    private static List<Message> WithMine(MessageTables tables, long roomKey, List<Message> messages, string? reader)
    {
        for (var i = 0; i < messages.Count; i++)
        {
            messages[i] = WithMine(tables, roomKey, messages[i], reader);
        }

        return messages;
    }
}
