using System.Globalization;

namespace DChat.TestClock;

/// <summary>The machine's wall clock, and ahead of it by what a file says. Timestamps and timers are the machine's.</summary>
public sealed class MovedClock : TimeProvider
{
    /// <summary>The environment variable that names the file.</summary>
    public const string FileVariable = "TEST_CLOCK_FILE";

    /// <summary>So long it keeps what it read.</summary>
    private static readonly TimeSpan ReadEvery = TimeSpan.FromMilliseconds(100);

    private readonly string _file;
    private long _readAt;
    private long _aheadTicks;

    /// <param name="file">Holds seconds, fewer than 0 where the clock is behind; whole whenever it is read.</param>
    public MovedClock(string file)
    {
        _file = file;
        (_readAt, _aheadTicks) = (GetTimestamp(), ReadTicks());
    }

    public override DateTimeOffset GetUtcNow()
    {
        var readAt = Interlocked.Read(ref _readAt);
        if (GetElapsedTime(readAt) >= ReadEvery && Interlocked.CompareExchange(ref _readAt, GetTimestamp(), readAt) == readAt)
        {
            Interlocked.Exchange(ref _aheadTicks, ReadTicks());
        }

        return base.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _aheadTicks));
    }

    private long ReadTicks() => TimeSpan.FromSeconds(double.Parse(File.ReadAllText(_file), CultureInfo.InvariantCulture)).Ticks;
}
