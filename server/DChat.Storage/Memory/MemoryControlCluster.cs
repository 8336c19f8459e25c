using DChat.Core.ControlLog;

namespace DChat.Storage.Memory;

/// <summary>The log and the election that <see cref="MemoryControlLog"/> nodes share.</summary>
public sealed class MemoryControlCluster : IDisposable
{
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _seat = new(1);
    private readonly ChangeSignal _committed = new();
    private readonly List<LogEntry> _entries = [];
    private LocalLeadership? _leader;
    private long _term;
    private long _first = 1;

    /// <summary>Completes at the next append or truncation.</summary>
    internal Task Committed => _committed.Next;

    internal LeaderInfo? Leader
    {
        get
        {
            lock (_lock)
            {
                return _leader?.Info;
            }
        }
    }

    internal LogBounds Bounds
    {
        get
        {
            lock (_lock)
            {
                return new LogBounds(_first, Last);
            }
        }
    }

    private long Last => _first + _entries.Count - 1;

    public void Dispose() => _seat.Dispose();

    /// <summary>Takes the leadership from whoever has it, as an expired lease would.</summary>
    public void Depose()
    {
        if (Volatile.Read(ref _leader) is { } leader)
        {
            End(leader);
        }
    }

    internal bool Depose(long term)
    {
        if (Volatile.Read(ref _leader) is not { } leader || leader.Term != term)
        {
            return false;
        }

        End(leader);
        return true;
    }

    internal async Task<LocalLeadership> CampaignAsync(string advertise, CancellationToken cancellation)
    {
        await _seat.WaitAsync(cancellation);
        lock (_lock)
        {
            return _leader = new LocalLeadership(++_term, advertise, End);
        }
    }

    internal AppendOutcome Append(long term, long index, ReadOnlyMemory<byte> payload)
    {
        lock (_lock)
        {
            if (index < _first)
            {
                return AppendOutcome.WrongIndex;
            }

            if (index <= Last)
            {
                var taken = _entries[(int)(index - _first)];
                if (taken.Term == term && taken.Payload.Span.SequenceEqual(payload.Span))
                {
                    return AppendOutcome.Committed;
                }
            }

            if (_leader?.Term != term)
            {
                return AppendOutcome.Fenced;
            }

            if (index != Last + 1)
            {
                return AppendOutcome.WrongIndex;
            }

            _entries.Add(new LogEntry(index, term, payload.ToArray()));
        }

        _committed.Raise();
        return AppendOutcome.Committed;
    }

    /// <summary>Null where it is not committed yet.</summary>
    internal LogEntry? Read(long index)
    {
        lock (_lock)
        {
            return index < _first ? throw new EntryTruncatedException(index, _first)
                : index <= Last ? _entries[(int)(index - _first)]
                : null;
        }
    }

    internal bool Truncate(long term, long throughIndex)
    {
        lock (_lock)
        {
            if (_leader?.Term != term)
            {
                return false;
            }

            ControlLogArguments.CheckTruncation(throughIndex, Last);
            var count = (int)Math.Max(throughIndex - _first + 1, 0);
            _entries.RemoveRange(0, count);
            _first += count;
        }

        _committed.Raise();
        return true;
    }

    internal bool BeginAfter(long term, long index)
    {
        lock (_lock)
        {
            if (_leader?.Term != term)
            {
                return _entries.Count == 0 && _first == index + 1;
            }

            if (_entries.Count > 0 || (_first != 1 && _first != index + 1))
            {
                throw new InvalidOperationException($"the control log holds entries, or did (first {_first}, last {Last})");
            }

            _first = index + 1;
            return true;
        }
    }

    private void End(LocalLeadership leadership)
    {
        lock (_lock)
        {
            if (_leader != leadership)
            {
                return;
            }

            _leader = null;
        }

        leadership.Lose();
        _seat.Release();
    }
}
