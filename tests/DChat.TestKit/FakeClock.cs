using System.Globalization;

namespace DChat.TestKit;

/// <summary>
/// A process's own wall clock, which a test moves while the process runs, as a time server or a machine that was asleep does: libfaketime is preloaded. The
/// monotonic clock, by which intervals are measured, goes on as everybody's. Such a process cannot be asked to stop: under libfaketime the runtime does not come
/// to its end. It is killed.
/// </summary>
public sealed class FakeClock
{
    private const string Library = "libfaketimeMT.so.1";

    private readonly string _file;

    private FakeClock(string file) => _file = file;

    /// <summary>By how much it is ahead of the machine's, or behind.</summary>
    public TimeSpan Ahead { get; private set; }

    /// <summary>What the process needs in its environment.</summary>
    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string>
    {
        ["LD_PRELOAD"] = Directory.GetDirectories("/usr/lib").Select(folder => Path.Combine(folder, "faketime", Library)).FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException("install libfaketime (Debian: apt install libfaketime)"),
        ["FAKETIME_TIMESTAMP_FILE"] = _file,
        ["FAKETIME_CACHE_DURATION"] = "1", // Seconds until a move is seen.
        ["FAKETIME_DONT_FAKE_MONOTONIC"] = "1",
        ["DONT_FAKE_MONOTONIC"] = "1", // As some versions call it.
        ["FAKETIME_FORCE_MONOTONIC_FIX"] = "0", // What mends some C libraries' waits breaks the others': they end at once.
    };

    /// <param name="file">Holds where it stands.</param>
    public static FakeClock Create(string file)
    {
        var clock = new FakeClock(file);
        clock.Set(TimeSpan.Zero);
        return clock;
    }

    /// <summary>The process sees it within a second.</summary>
    public void Set(TimeSpan ahead)
    {
        Ahead = ahead;
        var next = _file + ".next"; // Whole at any moment.
        File.WriteAllText(next, string.Create(CultureInfo.InvariantCulture, $"{ahead.TotalSeconds:+0;-0;+0}\n"));
        File.Move(next, _file, overwrite: true);
    }
}
