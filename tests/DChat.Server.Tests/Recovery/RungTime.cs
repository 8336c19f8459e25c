using System.Collections.Concurrent;
using DChat.TestKit;

namespace DChat.Server.Tests.Recovery;

/// <summary>Timers ring when the test says, and the clocks go only as far as it says: that of uptime, and that of the day.</summary>
internal sealed class RungTime : TimeProvider
{
    private readonly ConcurrentQueue<Rung> _timers = new();
    private long _uptime = TimeSpan.FromHours(1).Ticks;
    private long _day = DateTimeOffset.UtcNow.Ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <param name="asleep">How long the machine slept besides: the clock of uptime stands still meanwhile.</param>
    public void Pass(TimeSpan awake, TimeSpan asleep = default)
    {
        Interlocked.Add(ref _uptime, awake.Ticks);
        Interlocked.Add(ref _day, awake.Ticks + asleep.Ticks);
    }

    public Task WaitingAsync() => Eventually.Holds(() => !_timers.IsEmpty);

    /// <summary>All timers that wait ring once.</summary>
    public void Ring()
    {
        for (var left = _timers.Count; left > 0 && _timers.TryDequeue(out var timer); left--)
        {
            timer.Ring();
            if (timer.IsPeriodic)
            {
                _timers.Enqueue(timer);
            }
        }
    }

    public override long GetTimestamp() => Interlocked.Read(ref _uptime);

    public override DateTimeOffset GetUtcNow() => new(Interlocked.Read(ref _day), TimeSpan.Zero);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Rung(() => callback(state), period != Timeout.InfiniteTimeSpan);
        _timers.Enqueue(timer);
        return timer;
    }

    private sealed record Rung(Action Ring, bool IsPeriodic) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => default;
    }
}
