using System.Diagnostics;
using System.Globalization;

namespace DChat.Terminal.Load;

/// <summary>
/// A line for each acknowledged send: the room's id, when the send was due and when it was acknowledged, in Unix milliseconds. Whoever
/// watches the run sees by it which room stood still, and for how long.
/// </summary>
internal sealed class AckLog : ILoadObserver, IDisposable
{
    private readonly Lock _gate = new();
    private readonly StreamWriter _file;
    private readonly long _startedTicks = Stopwatch.GetTimestamp();
    private readonly long _startedMs = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();

    private readonly LoadRun _run;

    private AckLog(StreamWriter file, LoadRun run) => (_file, _run) = (file, run);

    /// <exception cref="CannotStartException">The file cannot be written.</exception>
    public static AckLog Create(string path, LoadRun run)
    {
        try
        {
            return new AckLog(new StreamWriter(path) { AutoFlush = true }, run);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new CannotStartException($"--ack-log {path}: {failure.Message}", failure) { ExitCode = ExitCodes.Usage };
        }
    }

    public void Acknowledged(int client, int room, long sentTicks, long now)
    {
        lock (_gate)
        {
            _file.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{_run.Rooms[room].Id} {Milliseconds(sentTicks)} {Milliseconds(now)}"));
        }
    }

    public void Shown(int client, int room, long now)
    {
        // Only who is answered is written down.
    }

    public void Dispose() => _file.Dispose();

    private long Milliseconds(long ticks) => _startedMs + ((ticks - _startedTicks) * 1_000 / Stopwatch.Frequency);
}
