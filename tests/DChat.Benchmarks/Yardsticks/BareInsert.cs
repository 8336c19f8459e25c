using System.Diagnostics;
using DChat.Storage.Sqlite;
using DChat.Storage.Sqlite.Messages;
using Microsoft.Extensions.Logging.Abstractions;
using SQLitePCL;

namespace DChat.Benchmarks.Yardsticks;

/// <summary>
/// What the disk and SQLite allow: messages and their answers inserted into the real schema, 200 in each durable transaction,
/// by one thread that does nothing else. No rooms' rows, no fence, no repeats looked for.
/// </summary>
internal static class BareInsert
{
    private const int RowsPerTransaction = 200;
    private const long RoomKeyShift = 36;
    private static readonly TimeSpan Warmup = TimeSpan.FromSeconds(1);

    public static async Task<double> RowsPerSecondAsync(TimeSpan duration)
    {
        var folder = Directory.CreateTempSubdirectory("dchat-bench-").FullName;
        try
        {
            var path = Path.Combine(folder, "messages.db");
            await using (SqliteMessageStore.Open(new SqliteMessageStoreOptions { Path = path }, TimeProvider.System, NullLogger<SqliteMessageStore>.Instance))
            {
                // Opening makes the schema.
            }

            return await Task.Run(() => Insert(path, duration));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static double Insert(string path, TimeSpan duration)
    {
        using var connection = SqliteFile.Open(path, SqliteSynchronous.Full);
        var database = connection.Handle!;
        using var message = Prepare(database, "INSERT INTO messages(id, room_key, rev, kind, author, client_id, sent_at, body) VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?7)");
        using var answer = Prepare(database, "INSERT INTO answers VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
        using var begin = Prepare(database, "BEGIN IMMEDIATE");
        using var commit = Prepare(database, "COMMIT");
        var body = new string('b', 100);
        var seq = 0L;
        var started = Stopwatch.GetTimestamp();
        var (rows, measuredFrom) = (0L, 0L);
        while (Stopwatch.GetElapsedTime(started) < Warmup + duration)
        {
            if (measuredFrom == 0 && Stopwatch.GetElapsedTime(started) > Warmup)
            {
                (rows, measuredFrom) = (0, Stopwatch.GetTimestamp());
            }

            Run(begin);
            seq++;
            for (var room = 1; room <= RowsPerTransaction; room++)
            {
                InsertOne(message, answer, room, seq, body);
            }

            Run(commit);
            rows += RowsPerTransaction;
        }

        return rows / Stopwatch.GetElapsedTime(measuredFrom).TotalSeconds;
    }

    private static void InsertOne(sqlite3_stmt message, sqlite3_stmt answer, long room, long seq, string body)
    {
        var author = $"user{room}";
        var clientId = $"abcdefgh.{room}.{seq}";
        raw.sqlite3_bind_int64(message, 1, (room << (int)RoomKeyShift) | seq);
        raw.sqlite3_bind_int64(message, 2, room);
        raw.sqlite3_bind_int64(message, 3, seq);
        raw.sqlite3_bind_text(message, 4, author);
        raw.sqlite3_bind_text(message, 5, clientId);
        raw.sqlite3_bind_int64(message, 6, seq);
        raw.sqlite3_bind_text(message, 7, body);
        Run(message);
        raw.sqlite3_bind_int64(answer, 1, room);
        raw.sqlite3_bind_text(answer, 2, author);
        raw.sqlite3_bind_text(answer, 3, clientId);
        raw.sqlite3_bind_int64(answer, 4, seq);
        raw.sqlite3_bind_int64(answer, 5, seq);
        raw.sqlite3_bind_int64(answer, 6, seq);
        Run(answer);
    }

    private static sqlite3_stmt Prepare(sqlite3 database, string sql) =>
        raw.sqlite3_prepare_v2(database, sql, out var statement) == raw.SQLITE_OK
            ? statement
            : throw new InvalidOperationException(raw.sqlite3_errmsg(database).utf8_to_string());

    private static void Run(sqlite3_stmt statement)
    {
        var code = raw.sqlite3_step(statement);
        raw.sqlite3_reset(statement);
        if (code != raw.SQLITE_DONE)
        {
            throw new InvalidOperationException($"SQLite answered {code}");
        }
    }
}
