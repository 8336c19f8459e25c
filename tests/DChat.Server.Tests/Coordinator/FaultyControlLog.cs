using DChat.Core.ControlLog;

namespace DChat.Server.Tests.Coordinator;

/// <summary>What goes wrong with one append.</summary>
internal enum AppendFault
{
    None,

    /// <summary>It is not committed, and nobody is told whether.</summary>
    LostBefore,

    /// <summary>It is committed, and nobody is told whether.</summary>
    LostAfter,

    /// <summary>It is not taken, however often it is repeated.</summary>
    Refused,
}

/// <summary>A control log whose appends fail, or wait, as the test says.</summary>
internal sealed class FaultyControlLog(IControlLog inner) : IControlLog
{
    private readonly List<long> _appended = [];
    private int _waiting;

    /// <summary>Asked before each append.</summary>
    public Func<AppendFault> NextFault { get; set; } = () => AppendFault.None;

    /// <summary>What is answered of the log's bounds.</summary>
    public Func<LogBounds, LogBounds> Shown { get; set; } = bounds => bounds;

    /// <summary>Each append waits for it first.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    /// <summary>So many times a follower finds that a leader truncated while it read.</summary>
    public int Overtaken { get; set; }

    /// <summary>As to one who leads no more.</summary>
    public bool RefusesTruncation { get; set; }

    /// <summary>Appends that wait for the gate.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>The indexes of all attempts, in order.</summary>
    public List<long> Attempts
    {
        get
        {
            lock (_appended)
            {
                return [.. _appended];
            }
        }
    }

    public Task<ILeadership> CampaignAsync(string advertise, CancellationToken cancellation) => inner.CampaignAsync(advertise, cancellation);

    public Task<LeaderInfo?> ReadLeaderAsync(CancellationToken cancellation) => inner.ReadLeaderAsync(cancellation);

    public Task<bool> DeposeAsync(long term, CancellationToken cancellation) => inner.DeposeAsync(term, cancellation);

    public async Task<AppendOutcome> AppendAsync(long term, long index, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        Interlocked.Increment(ref _waiting);
        await Gate.WaitAsync(cancellation);
        Interlocked.Decrement(ref _waiting);
        lock (_appended)
        {
            _appended.Add(index);
        }

        var fault = NextFault();
        if (fault == AppendFault.LostBefore)
        {
            throw new ControlLogUnavailableException("lost before");
        }

        if (fault == AppendFault.Refused)
        {
            throw new ControlLogRefusedException("too large");
        }

        var outcome = await inner.AppendAsync(term, index, payload, cancellation);
        return fault == AppendFault.LostAfter ? throw new ControlLogUnavailableException("lost after") : outcome;
    }

    public async Task<LogBounds> ReadBoundsAsync(CancellationToken cancellation) => Shown(await inner.ReadBoundsAsync(cancellation));

    public IAsyncEnumerable<LogEntry> FollowAsync(long fromIndex, CancellationToken cancellation) =>
        Overtaken-- > 0 ? throw new EntryTruncatedException(fromIndex, fromIndex + 1) : inner.FollowAsync(fromIndex, cancellation);

    public async Task<bool> TruncateAsync(long term, long throughIndex, CancellationToken cancellation) =>
        !RefusesTruncation && await inner.TruncateAsync(term, throughIndex, cancellation);

    /// <summary>It says that it is full, whatever it is.</summary>
    public bool ShowsFull { get; set; }

    /// <summary>The highest index behind which space was to be made.</summary>
    public long Freed { get; private set; }

    public bool IsFull => ShowsFull || inner.IsFull;

    public Task<bool> FreeAsync(long term, long throughIndex, CancellationToken cancellation)
    {
        Freed = Math.Max(Freed, throughIndex);
        return inner.FreeAsync(term, throughIndex, cancellation);
    }

    public Task<bool> BeginAfterAsync(long term, long index, CancellationToken cancellation) => inner.BeginAfterAsync(term, index, cancellation);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
