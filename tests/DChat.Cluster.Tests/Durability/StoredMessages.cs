using DChat.Storage.Sqlite;

namespace DChat.Cluster.Tests.Durability;

/// <summary>What a stopped server's message store holds.</summary>
internal static class StoredMessages
{
    /// <summary>Checks the file, and that every room has the messages 1 to its last seq, each with a rev of its own, and each answer once.</summary>
    /// <returns>The number of messages.</returns>
    public static long Check(string data)
    {
        using var connection = SqliteFile.Open(Path.Combine(data, "messages.db"), SqliteSynchronous.Full);
        Assert.Equal("ok", SqliteFile.ReadText(connection, "PRAGMA integrity_check"));
        using var command = connection.CreateCommand();
        command.CommandText = """
            SELECT r.id, r.seq, r.rev, count(m.id), count(DISTINCT m.rev), max(m.rev), max(m.id) - min(m.id) + 1,
                   (SELECT count(*) FROM answers a WHERE a.room_key = r.key)
            FROM rooms r JOIN messages m ON m.room_key = r.key GROUP BY r.key
            """;
        using var row = command.ExecuteReader();
        var messages = 0L;
        while (row.Read())
        {
            var room = row.GetString(0);
            var count = row.GetInt64(3);
            Assert.True(row.GetInt64(1) == count && row.GetInt64(6) == count, $"room {room} holds {count} messages up to seq {row.GetInt64(1)}");
            Assert.True(row.GetInt64(4) == count && row.GetInt64(5) == row.GetInt64(2), $"room {room}: revs differ from what the room says");
            Assert.True(row.GetInt64(7) == count, $"room {room}: {count} messages and {row.GetInt64(7)} answers");
            messages += count;
        }

        return messages;
    }
}
