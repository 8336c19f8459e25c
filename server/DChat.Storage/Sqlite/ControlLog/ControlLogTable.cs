using DChat.Core.ControlLog;

namespace DChat.Storage.Sqlite.ControlLog;

/// <param name="Term">The highest that ever led.</param>
internal readonly record struct ControlLogState(long Term, long First, long Last);

/// <summary>The statements of the control log on one connection.</summary>
internal sealed class ControlLogTable(SqliteSession session, string path)
{
    private readonly SqliteStatement _state = session.Prepare("SELECT term, first, last FROM log_state WHERE id = 1");
    private readonly SqliteStatement _raise = session.Prepare("UPDATE log_state SET term = term + 1");
    private readonly SqliteStatement _find = session.Prepare("SELECT hash FROM log_entry WHERE idx = ?1");
    private readonly SqliteStatement _insert = session.Prepare("INSERT INTO log_entry(idx, term, hash, payload) VALUES (?1, ?2, ?3, ?4)");
    private readonly SqliteStatement _setLast = session.Prepare("UPDATE log_state SET last = ?1");
    private readonly SqliteStatement _setFirst = session.Prepare("UPDATE log_state SET first = ?1");
    private readonly SqliteStatement _begin = session.Prepare("UPDATE log_state SET first = ?1 + 1, last = ?1");
    private readonly SqliteStatement _delete = session.Prepare("DELETE FROM log_entry WHERE idx <= ?1");
    private readonly SqliteStatement _from = session.Prepare("SELECT idx, term, hash, payload FROM log_entry WHERE idx >= ?1 ORDER BY idx LIMIT ?2");

    public ControlLogState ReadState()
    {
        if (!_state.Step())
        {
            throw ControlLogSchema.WithoutState(path);
        }

        var state = new ControlLogState(_state.Int64(0), _state.Int64(1), _state.Int64(2));
        _state.Reset();
        return state;
    }

    public long RaiseTerm()
    {
        _raise.Run();
        return ReadState().Term;
    }

    /// <param name="leads">Whether the term leads.</param>
    public AppendOutcome Append(bool leads, long term, long index, ReadOnlySpan<byte> payload)
    {
        var state = ReadState();
        if (index < state.First)
        {
            return AppendOutcome.WrongIndex;
        }

        var hash = ControlLogSchema.Hash(index, term, payload);
        if (index <= state.Last && IsThere(index, hash))
        {
            return AppendOutcome.Committed;
        }

        if (!leads)
        {
            return AppendOutcome.Fenced;
        }

        if (index != state.Last + 1)
        {
            return AppendOutcome.WrongIndex;
        }

        _insert.Bind(1, index).Bind(2, term).BindBlob(3, hash).BindBlob(4, payload).Run();
        _setLast.Bind(1, index).Run();
        return AppendOutcome.Committed;
    }

    /// <inheritdoc cref="IControlLog.TruncateAsync"/>
    public void Truncate(long throughIndex)
    {
        var state = ReadState();
        ControlLogArguments.CheckTruncation(throughIndex, state.Last);
        if (throughIndex >= state.First)
        {
            _delete.Bind(1, throughIndex).Run();
            _setFirst.Bind(1, throughIndex + 1).Run();
        }
    }

    /// <inheritdoc cref="IControlLog.BeginAfterAsync"/>
    public void BeginAfter(long index)
    {
        var state = ReadState();
        if (state is { First: 1, Last: 0 })
        {
            _begin.Bind(1, index).Run();
        }
        else if (!BeganAfter(index))
        {
            throw new InvalidOperationException($"the control log holds entries, or did (first {state.First}, last {state.Last})");
        }
    }

    /// <summary>It is done already.</summary>
    public bool BeganAfter(long index) => ReadState() is var state && state.First == index + 1 && state.Last == index;

    /// <summary>Entries from an index on, at most <paramref name="limit"/>; empty where that index is not committed yet.</summary>
    public List<LogEntry> ReadPage(long from, int limit)
    {
        var state = ReadState();
        if (from < state.First)
        {
            throw new EntryTruncatedException(from, state.First);
        }

        var page = new List<LogEntry>();
        _from.Bind(1, from).Bind(2, limit);
        while (_from.Step())
        {
            page.Add(ReadEntry(from + page.Count));
        }

        return page.Count > 0 || from > state.Last ? page : throw ControlLogSchema.Damaged(path, from, "is missing");
    }

    /// <summary>Reads all entries once: every index from first to last is there, nothing else, each with its hash, terms never falling.</summary>
    public void Verify()
    {
        var state = ReadState();
        var next = state.First;
        var term = 0L;
        for (_from.Bind(1, long.MinValue).Bind(2, -1); _from.Step(); next++)
        {
            var entry = ReadEntry(next);
            if (entry.Term < term || entry.Term > state.Term)
            {
                throw ControlLogSchema.Damaged(path, next, $"has term {entry.Term} between {term} and {state.Term}");
            }

            term = entry.Term;
        }

        if (next != state.Last + 1)
        {
            throw ControlLogSchema.Damaged(path, next, next <= state.Last ? "is missing" : "lies beyond the log's end");
        }
    }

    /// <summary>The row at which the reading statement stands, which must be entry <paramref name="expected"/>.</summary>
    private LogEntry ReadEntry(long expected)
    {
        var index = _from.Int64(0);
        if (index != expected)
        {
            throw ControlLogSchema.Damaged(path, expected, "is missing");
        }

        var term = _from.Int64(1);
        var payload = _from.Blob(3).ToArray();
        return ControlLogSchema.Hash(index, term, payload).AsSpan().SequenceEqual(_from.Blob(2))
            ? new LogEntry(index, term, payload)
            : throw ControlLogSchema.Damaged(path, index, "does not match its checksum");
    }

    private bool IsThere(long index, ReadOnlySpan<byte> hash)
    {
        var there = _find.Bind(1, index).Step() && _find.Blob(0).SequenceEqual(hash);
        _find.Reset();
        return there;
    }
}
