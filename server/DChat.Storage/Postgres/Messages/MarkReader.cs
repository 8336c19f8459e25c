using DChat.Core.Messages;
using Npgsql;

namespace DChat.Storage.Postgres.Messages;

/// <summary>Reads where users stand. Who asks while a query is under way goes with the next one: when thousands come back at once, that is one query for hundreds.</summary>
internal sealed class MarkReader(PostgresPool source, PostgresPipeline pipeline, PostgresUrl url, TimeProvider time)
{
    /// <summary>Queries under way at the same time: one that is slow does not hold all up.</summary>
    private const int Lanes = 2;

    /// <summary>Marks read by one query; who asks for more alone gets a query of his own.</summary>
    private const int MarksAtOnce = 1_000;

    private const string Query =
        """
        SELECT i.at, coalesce(k.seq, 0), r.seq - greatest(coalesce(k.seq, 0), r.removed_seq), n.count
        FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS i (user_name, room, at)
        JOIN rooms r ON r.id = i.room AND r.epoch < 9223372036854775807
        LEFT JOIN read_marks k ON k.room_key = r.key AND k.user_name = i.user_name
        CROSS JOIN LATERAL (SELECT count(*) FROM (
            SELECT FROM mentions x
            WHERE x.room_key = r.key AND x.user_name = i.user_name AND x.message_id > (r.key << 36) + greatest(coalesce(k.seq, 0), r.removed_seq)
            LIMIT $3) y) n
        """;

    private readonly Lock _gate = new();
    private readonly Queue<Asked> _waiting = new();
    private int _running;

    /// <returns>In the order of the rooms.</returns>
    public async Task<IReadOnlyList<ReadState>> ReadAsync(string user, IReadOnlyList<string> rooms, CancellationToken cancellation)
    {
        if (rooms.Count == 0)
        {
            return [];
        }

        var asked = new Asked(user, rooms);
        if (Enqueue(asked))
        {
            _ = RunAsync();
        }

        try
        {
            return await asked.Answer.Task.WaitAsync(PostgresPipeline.Limit, time, cancellation);
        }
        catch (TimeoutException error) when (PostgresFailures.Translate(error, url) is { } meaning)
        {
            throw meaning;
        }
        finally
        {
            asked.Answer.TrySetCanceled(CancellationToken.None); // Who has gone is not asked for any more.
        }
    }

    /// <returns>Whether a lane is to be run for it.</returns>
    private bool Enqueue(Asked asked)
    {
        lock (_gate)
        {
            _waiting.Enqueue(asked);
            if (_running == Lanes)
            {
                return false;
            }

            _running++;
            return true;
        }
    }

    private async Task RunAsync()
    {
        while (Take() is { Count: > 0 } some)
        {
            try
            {
                await pipeline.RunAsync(limited => AnswerAsync(some, limited), CancellationToken.None);
            }
            catch (Exception failure)
            {
                foreach (var asked in some)
                {
                    asked.Answer.TrySetException(failure);
                }
            }
        }
    }

    private List<Asked> Take()
    {
        var some = new List<Asked>();
        lock (_gate)
        {
            for (var marks = 0; _waiting.TryPeek(out var next) && (marks == 0 || marks + next.Rooms.Count <= MarksAtOnce);)
            {
                _waiting.Dequeue();
                if (!next.Answer.Task.IsCompleted)
                {
                    some.Add(next);
                    marks += next.Rooms.Count;
                }
            }

            _running -= some.Count == 0 ? 1 : 0;
        }

        return some;
    }

    private async Task<bool> AnswerAsync(List<Asked> some, CancellationToken cancellation)
    {
        await using var connection = await source.OpenAsync(cancellation);
        await using var command = new NpgsqlCommand(Query, connection);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. some.SelectMany(asked => Enumerable.Repeat(asked.User, asked.Rooms.Count))] });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. some.SelectMany(asked => asked.Rooms)] });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = MessageLimits.MentionsCounted });
        var states = new ReadState[some.Sum(asked => asked.Rooms.Count)];
        await using (var row = await command.ExecuteReaderAsync(cancellation))
        {
            while (await row.ReadAsync(cancellation))
            {
                states[row.GetInt64(0) - 1] = new ReadState(row.GetInt64(1), row.GetInt64(2), row.GetInt64(3));
            }
        }

        var at = 0;
        foreach (var asked in some)
        {
            asked.Answer.TrySetResult(new ArraySegment<ReadState>(states, at, asked.Rooms.Count));
            at += asked.Rooms.Count;
        }

        return true;
    }

    private sealed record Asked(string User, IReadOnlyList<string> Rooms)
    {
        public TaskCompletionSource<IReadOnlyList<ReadState>> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
