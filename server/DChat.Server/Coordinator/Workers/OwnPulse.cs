namespace DChat.Server.Coordinator.Workers;

/// <summary>Notices that this process itself was held up (frozen, starved of processors): what it did not hear meanwhile says nothing of others.</summary>
internal sealed class OwnPulse : IDisposable
{
    /// <summary>Who beats later than this was held up.</summary>
    public static readonly TimeSpan HeldUpAfter = WorkerReports.Interval;

    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private long _beatAt;
    private TimeSpan _heldUp;

    public OwnPulse(TimeProvider time)
    {
        (_time, _beatAt) = (time, time.GetTimestamp());
        _timer = time.CreateTimer(static pulse => ((OwnPulse)pulse!).Feel(), this, Beat, Beat);
    }

    /// <summary>For how long this process was held up since the last call, at most once at a stretch; zero: it was not.</summary>
    public TimeSpan TakeHeldUp()
    {
        Feel(); // Whoever wakes may come here before the timer does.
        lock (_gate)
        {
            var heldUp = _heldUp;
            _heldUp = TimeSpan.Zero;
            return heldUp;
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Feel()
    {
        lock (_gate)
        {
            var gap = _time.GetElapsedTime(_beatAt);
            _beatAt = _time.GetTimestamp();
            _heldUp = gap > HeldUpAfter && gap > _heldUp ? gap : _heldUp;
        }
    }
}
