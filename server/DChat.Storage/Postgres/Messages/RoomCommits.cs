using DChat.Core.Messages;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DChat.Storage.Postgres.Messages;

/// <summary>
/// Writes batches. Rooms to which only plain posts come, by far the most, are one statement and no question; a room with anything else,
/// or with a repeat, is read first, decided here, and written on the condition that nothing changed meanwhile.
/// </summary>
/// <remarks>
/// A room is in one statement as a whole or not at all, so what is known of some rooms holds whatever becomes of the others: those are
/// <see cref="RoomStatus.Unknown"/>. What is read is read on the connections of commits: it holds none when the write asks for its own.
/// </remarks>
/// <param name="pipeline">The commits' own.</param>
internal sealed partial class RoomCommits(
    PostgresSources sources, PostgresPipeline pipeline, AbandonedWrites abandoned, PostgresUrl url, TimeProvider time, ILogger log)
{
    /// <summary>How often a room is looked at again that changes under our eyes; only an earlier write of our own does that.</summary>
    private const int LooksMax = 5;

    public async Task<IReadOnlyList<RoomWriteResult>> WriteAsync(IReadOnlyList<RoomWrite> batch)
    {
        var results = new RoomWriteResult?[batch.Count];
        var waiting = Enumerable.Range(0, batch.Count).OrderBy(i => batch[i].Room, StringComparer.Ordinal).ToList();
        MessageStoreUnavailableException? trouble = null;
        try
        {
            for (var looks = 0; waiting.Count > 0; looks++)
            {
                if (looks == LooksMax)
                {
                    throw PostgresFailures.Unavailable("a room changes while it is written", null, url);
                }

                var closer = waiting.FindAll(i => looks > 0 || !IsPlain(batch[i]));
                RoomSnapshot[] snapshots = [];
                try
                {
                    snapshots = closer.Count == 0 ? [] : await ReadAsync(closer.ConvertAll(i => batch[i]));
                }
                catch (MessageStoreUnavailableException error) when (closer.Count < waiting.Count && error.InnerException is PostgresException)
                {
                    // The server answers, so the others can be written. One that is silent is not asked again: all would only wait twice as long.
                    trouble = error;
                    waiting.RemoveAll(new HashSet<int>(closer).Contains);
                    closer.Clear();
                }

                await WriteAsync(batch, waiting, closer, snapshots, results);
                waiting.RemoveAll(i => results[i] is not null);
            }
        }
        catch (Exception error) when (Meaning(error) is { } meaning)
        {
            trouble = meaning as MessageStoreUnavailableException ?? throw meaning;
        }

        if (trouble is not null)
        {
            Complete(results, trouble);
        }

        return results!;
    }

    private Exception? Meaning(Exception error) => error as MessageStoreUnavailableException ?? PostgresFailures.Translate(error, url);

    private void Complete(RoomWriteResult?[] results, MessageStoreUnavailableException trouble)
    {
        var unknown = results.Count(result => result is null);
        if (unknown == results.Length)
        {
            throw trouble;
        }

        UnknownOfSome(log, unknown, results.Length, trouble.Message);
        for (var i = 0; i < results.Length; i++)
        {
            results[i] ??= new RoomWriteResult(RoomStatus.Unknown, 0, 0, []);
        }
    }

    /// <param name="closer">Those of the rooms that were looked at before they are written, in the same order.</param>
    private async Task WriteAsync(IReadOnlyList<RoomWrite> batch, List<int> rooms, List<int> closer, RoomSnapshot[] snapshots, RoomWriteResult?[] results)
    {
        var rows = new BatchRows();
        var decided = new ChangeResult[]?[rooms.Count];
        var next = 0;
        for (var at = 0; at < rooms.Count; at++)
        {
            var write = batch[rooms[at]];
            if (next == closer.Count || closer[next] != rooms[at])
            {
                AddPlain(rows, write);
            }
            else if (snapshots[next++] is { IsKnown: true } snapshot && snapshot.Rev == write.Rev && snapshot.Epoch == write.Epoch)
            {
                decided[at] = RoomDraft.Add(write, snapshot, rows);
            }
            else
            {
                // To be refused; the statement says as what.
                rows.AddRoom(write, -1, 0, 0, 0);
                decided[at] = [];
            }
        }

        var written = await ExecuteAsync(rows);
        for (var at = 0; at < written.Length; at++)
        {
            var (write, room) = (batch[rooms[at]], written[at]);
            results[rooms[at]] = room.Status switch
            {
                WriteStatus.Ok when decided[at] is { } changes => changes.Length == write.Changes.Count ? Result(room, Dated(changes, room)) : null,
                WriteStatus.Ok => Result(room, Dated(Posted(write, room), room)),
                WriteStatus.LookCloser => null,
                var status => new RoomWriteResult((RoomStatus)status, room.Seq, room.Rev, []),
            };
        }
    }

    private Task<RoomSnapshot[]> ReadAsync(List<RoomWrite> writes) =>
        pipeline.RunAsync(_ => SnapshotReader.ReadAsync(sources.Writer, writes), CancellationToken.None);

    private async Task<BatchRows.Written[]> ExecuteAsync(BatchRows rows)
    {
        var attempt = new Attempt();
        var running = ExecuteAsync(rows, attempt);
        try
        {
            return await pipeline.AwaitAsync(running, PostgresPipeline.Limit);
        }
        finally
        {
            if (!running.IsCompletedSuccessfully)
            {
                attempt.IsGivenUp = true;
                if (attempt is { IsOver: false, Process: var process and not 0 })
                {
                    abandoned.Add(process);
                }
            }
        }
    }

    private async Task<BatchRows.Written[]> ExecuteAsync(BatchRows rows, Attempt attempt)
    {
        await using var connection = await sources.Writer.OpenAsync(CancellationToken.None);
        attempt.Process = connection.ProcessID;
        if (attempt.IsGivenUp)
        {
            throw new TimeoutException("nobody waits any more");
        }

        try
        {
            return await rows.ExecuteAsync(connection, time.GetUtcNow().ToUnixTimeMilliseconds());
        }
        catch (PostgresException) when (connection.FullState == System.Data.ConnectionState.Open)
        {
            attempt.IsOver = true;
            throw;
        }
    }

    /// <summary>
    /// What the one who waits and the one who writes tell each other. Each says its own before it asks for the other's, with a full fence between: a processor
    /// may else ask first, and neither learn of the other.
    /// </summary>
    private sealed class Attempt
    {
        private volatile int _process;
        private volatile bool _isGivenUp;
        private volatile bool _isOver;

        /// <summary>The session at the server; 0 while there is none.</summary>
        public int Process
        {
            get => _process;
            set => Interlocked.Exchange(ref _process, value);
        }

        public bool IsGivenUp
        {
            get => _isGivenUp;
            set => Interlocked.Exchange(ref _isGivenUp, value);
        }

        /// <summary>The server has said that it did not do it.</summary>
        public bool IsOver
        {
            get => _isOver;
            set => _isOver = value;
        }
    }

    /// <summary>Posts, none of which repeats another.</summary>
    private static bool IsPlain(RoomWrite write) =>
        write.Changes.All(change => change is PostMessage)
        && (write.Changes.Count == 1 || write.Changes.Select(change => (change.Author, change.ClientId)).Distinct().Count() == write.Changes.Count);

    private static void AddPlain(BatchRows rows, RoomWrite write)
    {
        var (room, sentAt) = (rows.NextRoom, 0L);
        for (var i = 0; i < write.Changes.Count; i++)
        {
            var post = (PostMessage)write.Changes[i];
            sentAt = Math.Max(sentAt, post.At);
            rows.AddPost(room, i + 1, i + 1, sentAt, post);
        }

        rows.AddRoom(write, -1, write.Changes.Count, write.Changes.Count, sentAt);
    }

    private static ChangeResult[] Posted(RoomWrite write, BatchRows.Written room)
    {
        var results = new ChangeResult[write.Changes.Count];
        var sentAt = room.LastSentAt;
        for (var i = 0; i < results.Length; i++)
        {
            var post = (PostMessage)write.Changes[i];
            sentAt = Math.Max(sentAt, post.At);
            var answer = new ChangeAnswer(room.Seq + i + 1, room.Rev + i + 1, sentAt);
            results[i] = new ChangeResult(ChangeRefusal.None, answer, new RoomEvent(answer.Rev, RoomEventKind.Posted, RoomDraft.NewMessage(post, answer)));
        }

        return results;
    }

    /// <summary>What was dated later than the store allows was written with the latest time that it does.</summary>
    private static ChangeResult[] Dated(ChangeResult[] changes, BatchRows.Written room)
    {
        var latest = Math.Max(room.LastSentAt, room.Latest);
        for (var i = 0; i < changes.Length; i++)
        {
            var (answer, shown) = (changes[i].Answer, changes[i].Event);
            if (answer.SentAt > latest || shown?.Message.SentAt > latest)
            {
                changes[i] = changes[i] with
                {
                    Answer = answer with { SentAt = Math.Min(answer.SentAt, latest) },
                    Event = shown is { } told ? told with { Message = told.Message with { SentAt = Math.Min(told.Message.SentAt, latest) } } : null,
                };
            }
        }

        return changes;
    }

    private static RoomWriteResult Result(BatchRows.Written before, ChangeResult[] changes)
    {
        var (seq, rev) = (before.Seq, before.Rev);
        foreach (var change in changes)
        {
            if (change.Event is { } shown)
            {
                rev = shown.Rev;
                seq = shown.Kind == RoomEventKind.Posted ? shown.Message.Seq : seq;
            }
        }

        return new RoomWriteResult(RoomStatus.Ok, seq, rev, changes);
    }

    [LoggerMessage(5404, LogLevel.Warning, "{Rooms} of the {All} rooms of a batch are not written, or that is not known; the others are settled: {Why}")]
    private static partial void UnknownOfSome(ILogger log, int rooms, int all, string why);
}
