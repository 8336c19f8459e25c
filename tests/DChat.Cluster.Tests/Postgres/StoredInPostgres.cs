using DChat.TestKit;
using Npgsql;

namespace DChat.Cluster.Tests.Postgres;

/// <summary>What a server left in PostgreSQL, looked at without it.</summary>
internal static class StoredInPostgres
{
    /// <summary>Each room has the messages 1 to its last seq, each with a rev of its own, and each answer once.</summary>
    /// <returns>The number of messages.</returns>
    public static async Task<long> CheckAsync(PostgresServer postgres, string database)
    {
        await using var connection = await postgres.ConnectAsync(database);
        await using var command = new NpgsqlCommand(
            """
            SELECT r.id, r.seq, r.rev, count(m.id), count(DISTINCT m.rev), max(m.rev), max(m.id) - min(m.id) + 1,
                (SELECT count(*) FROM dchat.answers a WHERE a.room_key = r.key)
            FROM dchat.rooms r JOIN dchat.messages m ON m.room_key = r.key GROUP BY r.key
            """,
            connection);
        await using var row = await command.ExecuteReaderAsync();
        var messages = 0L;
        while (await row.ReadAsync())
        {
            var (room, count) = (row.GetString(0), row.GetInt64(3));
            Assert.True(row.GetInt64(1) == count && row.GetInt64(6) == count, $"room {room} holds {count} messages up to seq {row.GetInt64(1)}");
            Assert.True(row.GetInt64(4) == count && row.GetInt64(5) == row.GetInt64(2), $"room {room}: revs differ from what the room says");
            Assert.True(row.GetInt64(7) == count, $"room {room}: {count} messages and {row.GetInt64(7)} answers");
            messages += count;
        }

        return messages;
    }
}
