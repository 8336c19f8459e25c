using DChat.Core.Messages;
using DChat.Storage.Postgres.Messages;
using Npgsql;
using NpgsqlTypes;

namespace DChat.Storage.Postgres.Search;

/// <summary>
/// One search: merges the hits of many rooms, newest first, and looks no further than the page needs. A room is a row of windows; the newest
/// that was not searched stands in a queue under the place below which all of it lies. A step takes the windows with the newest places, at
/// first few and then ever more, and asks for the newest hits in all of them. What is newer than all places in the queue is final. So each
/// step moves the newest place down, and a search that has spent its budget can say exactly where to go on.
/// </summary>
internal sealed class SearchRun(PostgresPool source, SearchQuery query, string words)
{
    /// <summary>Messages that the windows of the first step span; each step may take twice as many as the one before.</summary>
    private const long FirstSpan = 8 * 1024;
    private const long SpanMax = 1024 * 1024;

    /// <summary>Windows of one step.</summary>
    private const int WindowsMax = 256;

    /// <summary>Steps that every search may take, however long they last: on a busy machine the search of an ordinary user is still whole.</summary>
    private const int StepsFree = 6;

    private const string Rooms =
        """
        SELECT r.id, r.key, r.removed_seq, t.seq, m.sent_at
        FROM unnest($1::text[]) AS i (id)
        JOIN rooms r ON r.id = i.id AND r.epoch < 9223372036854775807 AND r.seq > r.removed_seq
        CROSS JOIN LATERAL (SELECT CASE
            WHEN (r.last_sent_at, (r.key << 36) + r.seq) < ($2, $3) THEN r.seq
            ELSE newest_before(r.key, r.removed_seq, r.seq, $2, $3)
        END AS seq) t
        JOIN messages m ON m.id = (r.key << 36) + t.seq
        WHERE t.seq > r.removed_seq
        """;

    private const string Hits =
        """
        SELECT s.id, s.sent_at FROM search s
        WHERE s.words @@ fold($1)::tsquery AND (s.sent_at, s.id) < ($2, $3)
        ORDER BY s.sent_at DESC, s.id DESC LIMIT $4
        """;

    private const string Times = "SELECT m.id, m.sent_at FROM unnest($1::bigint[]) AS i (id) JOIN messages m ON m.id = i.id";

    private static readonly string Messages =
        $"""
        SELECT {MessageRow.Columns}, {MessageRow.Mine("$2")}
        FROM unnest($1::bigint[]) AS i (id) JOIN messages m ON m.id = i.id WHERE m.deleted_at IS NULL
        """;

    private static readonly IComparer<SearchPosition> NewestFirst = Comparer<SearchPosition>.Create((a, b) => b.CompareTo(a));

    private readonly PriorityQueue<RoomWindow, SearchPosition> _windows = new(NewestFirst);
    private readonly PriorityQueue<long, SearchPosition> _found = new(NewestFirst);
    private readonly HashSet<long> _seen = [];
    private readonly Dictionary<long, string> _rooms = [];

    /// <summary>The part of a room that is searched next: from the window's begin up to a seq.</summary>
    private readonly record struct RoomWindow(long RoomKey, long RemovedSeq, long ToSeq)
    {
        public long Window => RowId.Of(RoomKey, ToSeq) >> SearchWords.WindowBits;

        public long FromSeq => Math.Max(RemovedSeq + 1, RowId.Seq(Window << SearchWords.WindowBits));
    }

    public async Task<SearchPage> RunAsync(Func<bool> spent, CancellationToken cancellation)
    {
        await FindRoomsAsync(cancellation);
        var page = new List<long>();
        SearchPosition? last = null;
        var span = FirstSpan;
        for (var steps = 0; ; steps++)
        {
            while (page.Count < query.Limit && _found.TryPeek(out _, out var position) && IsFinal(position))
            {
                page.Add(_found.Dequeue());
                last = position;
            }

            if (page.Count == query.Limit)
            {
                return await PageAsync(page, _windows.Count + _found.Count == 0 ? null : last.ToString(), cancellation);
            }

            if (!_windows.TryPeek(out _, out var newest))
            {
                return await PageAsync(page, null, cancellation);
            }

            if (steps >= StepsFree && spent())
            {
                return await PageAsync(page, newest.ToString(), cancellation);
            }

            await StepAsync(span, newest, cancellation);
            span = Math.Min(span * 2, SpanMax);
        }
    }

    // All of a window lies below its place.
    private bool IsFinal(SearchPosition position) => !_windows.TryPeek(out _, out var newest) || position.CompareTo(newest) >= 0;

    private async Task FindRoomsAsync(CancellationToken cancellation)
    {
        var after = query.After is { } cursor ? SearchPosition.Parse(cursor) : new SearchPosition(long.MaxValue, RowId.RoomKeyMax, RowId.SeqMax);
        await using var connection = await source.OpenAsync(cancellation);
        await using var command = new NpgsqlCommand(Rooms, connection);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. query.Rooms.Take(SearchLimits.Rooms).Distinct()] });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = after.SentAt });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = Id(after) });
        await using var row = await command.ExecuteReaderAsync(cancellation);
        while (await row.ReadAsync(cancellation))
        {
            var (key, seq) = (row.GetInt64(1), row.GetInt64(3));
            _rooms[key] = row.GetString(0);
            _windows.Enqueue(new RoomWindow(key, row.GetInt64(2), seq), Above(row.GetInt64(4), RowId.Of(key, seq)));
        }
    }

    private async Task StepAsync(long span, SearchPosition newest, CancellationToken cancellation)
    {
        var taken = new List<(RoomWindow Window, SearchPosition Place)>();
        for (var spanned = 0L; taken.Count < WindowsMax && spanned < span && _windows.TryDequeue(out var window, out var place);)
        {
            taken.Add((window, place));
            spanned += window.ToSeq - window.FromSeq + 1;
        }

        var below = taken.Where(each => each.Window.FromSeq > each.Window.RemovedSeq + 1)
            .Select(each => each.Window with { ToSeq = each.Window.FromSeq - 1 })
            .ToList();
        await using var connection = await source.OpenAsync(cancellation);
        await PreparedStatements.GuardAsync(connection, () => StepAsync(connection, taken, below, newest, cancellation));
    }

    private async Task StepAsync(
        NpgsqlConnection connection, List<(RoomWindow Window, SearchPosition Place)> taken, List<RoomWindow> below, SearchPosition newest, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Hits)
        {
            Parameters =
            {
                new NpgsqlParameter<string> { TypedValue = $"({SearchWords.Windows(taken.Select(each => each.Window.Window))}) & {words}" },
                new NpgsqlParameter<long> { TypedValue = newest.SentAt },
                new NpgsqlParameter<long> { TypedValue = Id(newest) },
                new NpgsqlParameter<int> { TypedValue = query.Limit },
            },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Times)
        {
            Parameters = { new NpgsqlParameter<long[]> { TypedValue = [.. below.Select(window => RowId.Of(window.RoomKey, window.ToSeq))] } },
        });

        var (hits, lowest) = (0, default(SearchPosition));
        await using var row = await batch.ExecuteReaderAsync(cancellation);
        while (await row.ReadAsync(cancellation))
        {
            hits++;
            var id = row.GetInt64(0);
            lowest = Position(row.GetInt64(1), id);
            if (_seen.Add(id))
            {
                _found.Enqueue(id, lowest);
            }
        }

        if (hits == query.Limit)
        {
            // There may be more below the lowest, in any of them.
            foreach (var (window, place) in taken)
            {
                _windows.Enqueue(window, place.CompareTo(lowest) < 0 ? place : lowest);
            }

            return;
        }

        var times = new Dictionary<long, long>();
        await row.NextResultAsync(cancellation);
        while (await row.ReadAsync(cancellation))
        {
            times[row.GetInt64(0)] = row.GetInt64(1);
        }

        foreach (var window in below)
        {
            // Where retention took it meanwhile, nothing is left below.
            if (times.TryGetValue(RowId.Of(window.RoomKey, window.ToSeq), out var sentAt))
            {
                _windows.Enqueue(window, Above(sentAt, RowId.Of(window.RoomKey, window.ToSeq)));
            }
        }
    }

    private async Task<SearchPage> PageAsync(List<long> ids, string? next, CancellationToken cancellation)
    {
        if (ids.Count == 0)
        {
            return new SearchPage([], next);
        }

        // The index is behind the messages: what was deleted meanwhile is no hit.
        await using var connection = await source.OpenAsync(cancellation);
        await using var command = new NpgsqlCommand(Messages, connection);
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. ids] });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)query.Reader ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        var messages = new Dictionary<long, Message>();
        await using var row = await command.ExecuteReaderAsync(cancellation);
        while (await row.ReadAsync(cancellation))
        {
            messages[row.GetInt64(0)] = MessageRow.Read(row, 0, withMine: true);
        }

        return new SearchPage([.. ids.Where(messages.ContainsKey).Select(id => new FoundMessage(_rooms[RowId.RoomKey(id)], messages[id]))], next);
    }

    private static SearchPosition Position(long sentAt, long id) => new(sentAt, RowId.RoomKey(id), RowId.Seq(id));

    /// <summary>The place just above a message.</summary>
    private static SearchPosition Above(long sentAt, long id) => new(sentAt, RowId.RoomKey(id), RowId.Seq(id) + 1);

    // A cursor's seq may be one above the highest.
    private static long Id(SearchPosition position) => (position.RoomKey << 36) + position.Seq;
}
