namespace DChat.Server.Tests;

/// <summary>A clock that only the test moves. Its timers are the machine's.</summary>
internal sealed class HandTime : TimeProvider
{
    private long _ticks = TimeSpan.FromHours(1).Ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public TimeSpan Now
    {
        get => TimeSpan.FromTicks(Volatile.Read(ref _ticks));
        set => Volatile.Write(ref _ticks, value.Ticks);
    }

    public override long GetTimestamp() => Now.Ticks;
}
