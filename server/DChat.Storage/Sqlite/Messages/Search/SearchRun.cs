using DChat.Core.Messages;

namespace DChat.Storage.Sqlite.Messages.Search;

/// <summary>
/// One search: merges the hits of many rooms, newest first, and looks into a room only as far as the page needs.
/// Each room stands in a queue under the newest place at which it may still hold a hit; always the room with the newest
/// such place is searched, a bounded window down. What is newer than all those places is final. So each step moves the newest
/// place down, and a search that has spent its budget can say exactly where to go on.
/// </summary>
internal sealed class SearchRun(MessageTables tables, SearchSession index, string expression, SearchQuery query)
{
    /// <summary>Messages that one step spans: what it costs to find nothing is proportional to it.</summary>
    private const long WindowMax = 128 * 1024;

    /// <summary>
    /// Steps, and messages spanned, that every search may take however long they last: on a machine that is busy or stalls,
    /// the search of an ordinary user is still whole. Both are about 40 ms of work at their worst.
    /// </summary>
    private const int StepsFree = 256;
    private const long SpanFree = 4 * WindowMax;

    /// <summary>Hits of one step.</summary>
    private const int StepHitsMax = 32;

    private static readonly IComparer<SearchPosition> NewestFirst = Comparer<SearchPosition>.Create((a, b) => b.CompareTo(a));

    private readonly PriorityQueue<(string Room, RoomRow Row, long Seq), SearchPosition> _rooms = new(NewestFirst);
    private readonly PriorityQueue<FoundMessage, SearchPosition> _found = new(NewestFirst);
    private readonly List<FoundMessage> _page = [];
    private long _spanned;

    public SearchPage Run(Func<bool> spent)
    {
        SearchPosition? after = query.After is { } cursor ? SearchPosition.Parse(cursor) : null;
        foreach (var room in query.Rooms.Take(SearchLimits.Rooms).Distinct())
        {
            if (tables.Rooms.FindReadable(room) is { } row)
            {
                Enqueue(room, row, after is { } position ? NewestSeqBelow(row, position) : row.Seq);
            }
        }

        SearchPosition? last = null;
        for (var steps = 0; ; steps++)
        {
            while (_page.Count < query.Limit && _found.TryPeek(out var hit, out var position) && IsFinal(position))
            {
                _found.Dequeue();
                _page.Add(hit);
                last = position;
            }

            if (_page.Count == query.Limit)
            {
                return new SearchPage(_page, _rooms.Count + _found.Count == 0 ? null : last.ToString());
            }

            if (!_rooms.TryDequeue(out var next, out var newest))
            {
                return new SearchPage(_page, null);
            }

            if ((steps >= StepsFree || _spanned >= SpanFree) && spent())
            {
                // The cursor stands just above the place from which the next search goes on.
                return new SearchPage(_page, (newest with { Seq = newest.Seq + 1 }).ToString());
            }

            Step(next.Room, next.Row, next.Seq);
        }
    }

    private bool IsFinal(SearchPosition position) => !_rooms.TryPeek(out _, out var newest) || position.CompareTo(newest) > 0;

    private void Enqueue(string room, RoomRow row, long seq)
    {
        if (row.HasMessage(seq))
        {
            var sentAt = seq == row.Seq ? row.LastSentAt : tables.Messages.SentAt(row.Key, seq) ?? 0;
            _rooms.Enqueue((room, row, seq), new SearchPosition(sentAt, row.Key, seq));
        }
    }

    private void Step(string room, RoomRow row, long toSeq)
    {
        var fromSeq = Math.Max(row.RemovedSeq + 1, toSeq - WindowMax + 1);
        _spanned += toSeq - fromSeq + 1;
        var limit = Math.Min(query.Limit, StepHitsMax);
        var seqs = index.Find(expression, row.Key, fromSeq, toSeq, limit);
        foreach (var seq in seqs)
        {
            // The index is behind the messages: what was deleted meanwhile is no hit.
            if (tables.Messages.Find(row.Key, seq) is { DeletedAt: null } message)
            {
                var hit = new FoundMessage(room, PageReader.WithMine(tables, row.Key, message, query.Reader));
                _found.Enqueue(hit, new SearchPosition(message.SentAt, row.Key, seq));
            }
        }

        Enqueue(room, row, (seqs.Count == limit ? seqs[^1] : fromSeq) - 1);
    }

    // Times never decrease along seq, so the place is found by halving.
    private long NewestSeqBelow(RoomRow row, SearchPosition position)
    {
        var (low, high) = (row.RemovedSeq, row.Seq);
        while (low < high)
        {
            var middle = low + ((high - low + 1) / 2);
            var at = new SearchPosition(tables.Messages.SentAt(row.Key, middle) ?? 0, row.Key, middle);
            (low, high) = at.CompareTo(position) < 0 ? (middle, high) : (low, middle - 1);
        }

        return low;
    }
}
