using System.Globalization;
using DChat.TestClock;

namespace DChat.TestKit;

/// <summary>
/// A server process's own wall clock, which a test moves while the process runs, as a time server or a machine that was asleep does. The process loads
/// <see cref="MovedClock"/>, which takes the place of the <see cref="TimeProvider"/> in its services; the monotonic clock, by which intervals are measured, goes on
/// as everybody's, and so does what its libraries, and the etcd that it runs, read from the machine themselves.
/// </summary>
public sealed class FakeClock
{
    private readonly string _file;

    private FakeClock(string file) => _file = file;

    /// <summary>By how much it is ahead of the machine's, or behind.</summary>
    public TimeSpan Ahead { get; private set; }

    /// <summary>What the process needs in its environment.</summary>
    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string>
    {
        ["DOTNET_STARTUP_HOOKS"] = typeof(MovedClock).Assembly.Location,
        [MovedClock.FileVariable] = _file,
    };

    /// <param name="file">Holds where it stands.</param>
    public static FakeClock Create(string file)
    {
        var clock = new FakeClock(file);
        clock.Set(TimeSpan.Zero);
        return clock;
    }

    /// <summary>The process sees it when it asks for the time 100 ms later.</summary>
    public void Set(TimeSpan ahead)
    {
        Ahead = ahead;
        var next = _file + ".next"; // Whole at any moment.
        File.WriteAllText(next, ahead.TotalSeconds.ToString(CultureInfo.InvariantCulture));
        File.Move(next, _file, overwrite: true);
    }
}
