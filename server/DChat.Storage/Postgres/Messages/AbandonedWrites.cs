using DChat.Core.Messages;
using Npgsql;

namespace DChat.Storage.Postgres.Messages;

/// <summary>
/// Sessions at the server whose connection broke while a write was under way: what they were told may still be done. A room that is opened
/// again must stand where it is said to stand, so each of them is ended first.
/// </summary>
internal sealed class AbandonedWrites(PostgresSources sources, PostgresUrl url)
{
    /// <summary>How long an ended session may take to be gone, in milliseconds.</summary>
    private const int EndMs = 1_000;

    /// <summary>Sessions remembered; with more broken ones than this the server itself was gone.</summary>
    private const int Most = 64;

    private readonly Lock _lock = new();
    private readonly Queue<int> _processes = new();

    public void Add(int process)
    {
        lock (_lock)
        {
            _processes.Enqueue(process);
            if (_processes.Count > Most)
            {
                _processes.Dequeue();
            }
        }
    }

    /// <summary>Ends them. One that waits for a standby to have its commit is left alone: the commit is done, and not yet to be seen.</summary>
    /// <exception cref="MessageStoreUnavailableException">One is not gone yet.</exception>
    public async Task EndAsync(CancellationToken cancellation)
    {
        int[] processes;
        lock (_lock)
        {
            processes = [.. _processes];
        }

        if (processes.Length == 0)
        {
            return;
        }

        await using var connection = await sources.Hosting.OpenAsync(cancellation);
        await using var command = new NpgsqlCommand(
            """
            SELECT count(*) FROM pg_stat_activity
            WHERE pid = ANY ($1) AND application_name = $2
                AND CASE WHEN wait_event = 'SyncRep' THEN true ELSE NOT pg_terminate_backend(pid, $3) END
            """,
            connection);
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = processes });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = sources.WriterName });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = EndMs });
        if (await command.ExecuteScalarAsync(cancellation) is not 0L)
        {
            throw PostgresFailures.Unavailable("an earlier write is still under way", null, url);
        }

        lock (_lock)
        {
            while (_processes.TryPeek(out var process) && processes.Contains(process))
            {
                _processes.Dequeue();
            }
        }
    }
}
