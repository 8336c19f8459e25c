using System.Diagnostics;
using DChat.Benchmarks.Commit;

namespace DChat.Benchmarks.Yardsticks;

/// <summary>
/// What the disk and SQLite allow: messages and their answers inserted into the real schema, 200 in each durable transaction,
/// each in a room of its own, by one thread that does nothing else. No rooms' rows, no fence, no repeats looked for.
/// </summary>
internal static class BareInsert
{
    private const int RowsPerTransaction = 200;
    private static readonly TimeSpan Warmup = TimeSpan.FromSeconds(1);

    public static double RowsPerSecond(TimeSpan duration)
    {
        var folder = Directory.CreateTempSubdirectory("dchat-bench-").FullName;
        try
        {
            using var inserts = new BareInserts(Path.Combine(folder, "messages.db"));
            InsertFor(Warmup, inserts);
            return InsertFor(duration, inserts);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static double InsertFor(TimeSpan duration, BareInserts inserts)
    {
        var started = Stopwatch.GetTimestamp();
        var rows = 0L;
        while (Stopwatch.GetElapsedTime(started) < duration)
        {
            inserts.Insert(RowsPerTransaction, rooms: RowsPerTransaction);
            rows += RowsPerTransaction;
        }

        return rows / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }
}
