using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using DChat.Server.Coordinator;
using DChat.Server.Nodes;

namespace DChat.Server.EtcdMembers;

/// <summary>
/// etcd as a child of this process: started again with a growing pause when it ends, and ended with this process, however that ends. Its log goes
/// into ours.
/// </summary>
internal sealed partial class MemberProcess : IAsyncDisposable
{
    private const int SigTerm = 15;

    /// <summary>Ends in a row, without having been ready, after which a start is given up.</summary>
    public const int FailedStartsMax = 5;

    private const int CouldNotStart = -1;

    /// <summary>Of a line of etcd's log; what is longer is cut.</summary>
    private const int LineMax = 8 * 1024;

    /// <summary>How long it may take to stop. A leader that finds nobody to hand over to would take longer; it loses nothing by being killed.</summary>
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(3);

    private readonly MemberOptions _options;
    private readonly BeginStep _begin;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Repeats _repeats;
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task<bool> _supervision;
    private Process? _running;
    private volatile string _lastError = "";
    private volatile bool _isRemoved;
    private volatile bool _wasReady;
    private int _isDisposed;
    private long _ends;

    public MemberProcess(MemberOptions options, BeginStep begin, TimeProvider time, ILogger logger)
    {
        (_options, _begin, _time, _logger, _repeats) = (options, begin, time, logger, new Repeats(time));
        _supervision = OwnThread.RunAsync(Supervise); // One thread for all of its life: the kernel ends a child with the thread that started it.
    }

    /// <summary>Ends when it was stopped; fails where it cannot be started, or may not: <see cref="StartRefusedException"/>.</summary>
    public Task Completion => _supervision;

    /// <summary>How often it ended by itself.</summary>
    public long Ends => Interlocked.Read(ref _ends);

    /// <summary>It had a majority: from now on it is started again without end.</summary>
    public void WasReady() => _wasReady = true;

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 1)
        {
            return;
        }

        lock (_lock)
        {
            _stopping.Cancel();
            if (_running is { HasExited: false } process)
            {
                _ = Signal(process.Id, SigTerm);
            }
        }

        if (await Task.WhenAny(_supervision, Task.Delay(StopLimit, _time, CancellationToken.None)) != _supervision)
        {
            lock (_lock)
            {
                _running?.Kill();
            }
        }

        await ((Task)_supervision).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
    }

    private bool Supervise()
    {
        for (var ends = 0; ;)
        {
            var startedAt = _time.GetTimestamp();
            if (RunOnce() is not { } code)
            {
                return true;
            }

            Interlocked.Increment(ref _ends);
            var lived = _time.GetElapsedTime(startedAt);
            ends = lived >= RestartDelay.WellAfter ? 1 : ends + 1;
            ThrowIfHopeless(ends);
            var wait = RestartDelay.After(ends);
            Ended(_logger, code, lived.TotalSeconds, wait.TotalSeconds, _lastError.Length > 0 ? _lastError : "it told none");
            _stopping.Token.WaitHandle.WaitOne(wait);
        }
    }

    /// <returns>Its exit code; null where it was to stop.</returns>
    private int? RunOnce()
    {
        try
        {
            using var process = Start();
            if (process is null)
            {
                return null;
            }

            var reading = Task.WhenAll(ReadAsync(process.StandardError), ReadAsync(process.StandardOutput));
            process.WaitForExit();
            reading.Wait(CancellationToken.None);
            lock (_lock)
            {
                _running = null;
                if (!_stopping.IsCancellationRequested)
                {
                    return process.ExitCode;
                }
            }

            Stopped(_logger, process.ExitCode);
            return null;
        }
        catch (Win32Exception failure)
        {
            _lastError = failure.Message; // No memory or no process to be had now, perhaps.
            return CouldNotStart;
        }
    }

    private void ThrowIfHopeless(int ends)
    {
        if (_isRemoved)
        {
            throw new StartRefusedException(
                $"{_options.Self.Name} was taken out of the cluster (`dchat-server member replace`), and another one has its place. Remedy: leave this coordinator stopped; to make it a member again, remove '{_options.Folder}', run `dchat-server member replace {_options.Self}`, and start it.");
        }

        if (!_wasReady && ends >= FailedStartsMax)
        {
            throw new StartRefusedException($"etcd ended {ends} times at its start: {(_lastError.Length > 0 ? _lastError : "it did not say why; --log-level debug shows its log")}. {Remedy()}");
        }
    }

    private string Remedy() => _lastError.Contains("address already in use", StringComparison.Ordinal)
        ? $"Remedy: stop the program that has {_options.Self.Address} or {_options.ClientUrl}, or give another port in --peers or --etcd-port."
        : _lastError.Contains("cannot assign requested address", StringComparison.Ordinal)
        ? $"Remedy: give this machine's own address in --peers for {_options.Self.Name}; where it is reached by another one than it has, give --node-host '*'."
        : _options.HasData
        ? $"Remedy: if its data in '{_options.Data}' is damaged, remove '{_options.Folder}', run `dchat-server member replace {_options.Self}` while the others are up, and start this again."
        : "Remedy: see the flags of this coordinator; --log-level debug shows etcd's log.";

    /// <summary>Null where it is to stop.</summary>
    private Process? Start()
    {
        var (program, arguments) = MemberLauncher.Command(_options.Program, MemberCommand.Arguments(_options, _begin));
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
            WorkingDirectory = _options.Folder,
        };
        start.Environment.Clear();
        foreach (var (name, value) in MemberCommand.Environment(Environment.GetEnvironmentVariables()))
        {
            start.Environment[name] = value;
        }

        lock (_lock)
        {
            if (_stopping.IsCancellationRequested)
            {
                return null;
            }

            _running = Process.Start(start)!;
            _running.StandardInput.Close();
            Started(_logger, _options.Program, _running.Id, _options.Self.Url, _options.ClientUrl);
            return _running;
        }
    }

    private async Task ReadAsync(StreamReader reader)
    {
        var buffer = new char[LineMax];
        var line = new System.Text.StringBuilder();
        for (int read; (read = await reader.ReadAsync(buffer, CancellationToken.None)) > 0;)
        {
            foreach (var letter in buffer.AsSpan(0, read))
            {
                if (letter == '\n')
                {
                    Take(line.ToString());
                    line.Clear();
                }
                else if (line.Length < LineMax)
                {
                    line.Append(letter);
                }
            }
        }

        Take(line.ToString());
    }

    private void Take(string text)
    {
        if (text.Length == 0)
        {
            return;
        }

        var line = EtcdLogLine.Parse(text);
        if (line.Message.Contains("permanently removed", StringComparison.Ordinal))
        {
            _isRemoved = true;
        }

        if (line.Level >= LogLevel.Error)
        {
            _lastError = line.Message;
        }

        if (_stopping.IsCancellationRequested && line.Level > LogLevel.Debug)
        {
            line = line with { Level = LogLevel.Debug }; // It tells each connection that it ends.
        }

        // What etcd says at its debug and info levels is bounded by whoever asks for it; a peer that is away is told of many times a second.
        var times = line.Level <= LogLevel.Debug ? 1 : _repeats.Next(line.Kind);
        if (times == 1)
        {
            Says(_logger, line.Level, line.Message);
        }
        else if (times > 1)
        {
            SaysAgain(_logger, line.Level, line.Message, times);
        }
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int Signal(int process, int signal);

    [LoggerMessage(2670, LogLevel.Information, "etcd ({Program}) was started as process {Process}: peers at {Peers}, clients at {Clients}")]
    private static partial void Started(ILogger logger, string program, int process, string peers, string clients);

    [LoggerMessage(2671, LogLevel.Information, "etcd was stopped, exit code {Code}")]
    private static partial void Stopped(ILogger logger, int code);

    [LoggerMessage(2672, LogLevel.Warning, "etcd ended by itself with exit code {Code} after {Seconds:0.0} s and is started again in {Wait:0.0} s; its last error: {Error}")]
    private static partial void Ended(ILogger logger, int code, double seconds, double wait, string error);

    [LoggerMessage(EventId = 2673, Message = "etcd: {Line}")]
    private static partial void Says(ILogger logger, LogLevel level, string line);

    [LoggerMessage(EventId = 2674, Message = "etcd: {Line} ({Times} times more)")]
    private static partial void SaysAgain(ILogger logger, LogLevel level, string line, int times);
}
