using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Threading.Channels;

namespace DChat.Benchmarks.Bench.Screens;

/// <summary>A terminal (tmux in control mode) in which <c>dchat</c> runs. What the program writes arrives here as it is written.</summary>
internal sealed class ControlledTerminal : IAsyncDisposable
{
    /// <summary>The end of a synchronized update.</summary>
    private const string EndOfFrame = "?2026l";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly string _folder;
    private readonly Process _control;
    private readonly Channel<string> _output = Channel.CreateUnbounded<string>();
    private readonly Task _reading;
    private readonly long _started = Stopwatch.GetTimestamp();
    private Process? _process;

    private ControlledTerminal(string folder, Process control)
    {
        (_folder, _control) = (folder, control);
        _reading = ReadAsync();
    }


    private Process Program => _process ?? throw new InvalidOperationException("no frame was seen yet");

    public long ResidentBytes
    {
        get
        {
            Program.Refresh();
            return Program.WorkingSet64;
        }
    }

    public TimeSpan CpuTime
    {
        get
        {
            Program.Refresh();
            return Program.TotalProcessorTime;
        }
    }

    /// <param name="home">The folder with the session to go on with.</param>
    /// <param name="folder">Of this terminal alone.</param>
    public static async Task<ControlledTerminal> StartAsync(string home, string folder, int width = 120, int height = 40)
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "tmux.conf"), "set -g status off\nset -g history-limit 0\nset -s escape-time 0\nset -g remain-on-exit on\n");
        await RunAsync(folder, ["new-session", "-d", "-x", Text(width), "-y", Text(height), "-e", $"XDG_CONFIG_HOME={home}", "-e", "LC_ALL=C.UTF-8", "exec sleep 1000000"]);

        // From now on the size is this, whoever attaches.
        await RunAsync(folder, ["resize-window", "-x", Text(width), "-y", Text(height)]);
        var terminal = new ControlledTerminal(folder, Process.Start(Describe(folder, ["-C", "attach-session"]))!);
        await terminal._control.StandardInput.WriteLineAsync($"respawn-pane -k \"exec '{Path.Combine(AppContext.BaseDirectory, "dchat")}'\"");
        return terminal;
    }

    /// <summary>The first frame is there.</summary>
    /// <returns>How long it took.</returns>
    public async Task<TimeSpan> FirstFrameAsync()
    {
        await WritesAsync(EndOfFrame);
        var elapsed = Stopwatch.GetElapsedTime(_started);
        _process = Process.GetProcessById(int.Parse(await RunAsync(_folder, ["display-message", "-p", "#{pane_pid}"]), CultureInfo.InvariantCulture));
        return elapsed;
    }

    /// <param name="keys">As tmux names them.</param>
    public Task PressAsync(string keys) => _control.StandardInput.WriteLineAsync($"send-keys {keys}");

    public Task TypeAsync(string text) => _control.StandardInput.WriteLineAsync($"send-keys -l '{text}'");

    public Task<string> ScreenAsync() => RunAsync(_folder, ["capture-pane", "-p"]);

    /// <summary>Waits until the program has written this, as control mode writes it.</summary>
    public async Task WritesAsync(string text)
    {
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            while (!(await _output.Reader.ReadAsync(limit.Token)).Contains(text, StringComparison.Ordinal))
            {
            }
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"'{text}' was not written; the screen:\n{await ScreenAsync()}");
        }
    }

    public async Task ShowsAsync(Func<string, bool> condition, string what)
    {
        var started = Stopwatch.GetTimestamp();
        for (var screen = await ScreenAsync(); !condition(screen); screen = await ScreenAsync())
        {
            if (Stopwatch.GetElapsedTime(started) > Limit)
            {
                throw new TimeoutException($"{what} was not shown; the screen:\n{screen}");
            }

            await Task.Delay(10);
        }
    }

    /// <summary>Forgets what was written until now.</summary>
    public void Skip()
    {
        while (_output.Reader.TryRead(out _))
        {
        }
    }

    public async ValueTask DisposeAsync()
    {
        await RunAsync(_folder, ["kill-server"]);
        await _control.WaitForExitAsync().WaitAsync(Limit);
        await _reading.WaitAsync(Limit);
        if (_process is not null)
        {
            await _process.WaitForExitAsync().WaitAsync(Limit);
        }

        _control.Dispose();
        _process?.Dispose();
    }

    private async Task ReadAsync()
    {
        while (await _control.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("%output ", StringComparison.Ordinal))
            {
                _output.Writer.TryWrite(line);
            }
        }
    }

    private static async Task<string> RunAsync(string folder, string[] arguments)
    {
        using var process = Process.Start(Describe(folder, arguments))!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(Limit);
        return process.ExitCode == 0 ? await output : throw new InvalidOperationException($"tmux {string.Join(' ', arguments)}: {await error}");
    }

    private static ProcessStartInfo Describe(string folder, string[] arguments)
    {
        var start = new ProcessStartInfo("tmux", ["-u", "-S", Path.Combine(folder, "tmux"), "-f", Path.Combine(folder, "tmux.conf"), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
        };
        start.Environment.Remove("TMUX");
        start.Environment["LC_ALL"] = "C.UTF-8";
        return start;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
