using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace DChat.TestKit;

/// <summary>
/// The real server as a process of its own, with its data in a temporary folder and on free ports. It can be killed and
/// started again on the same data and ports. Disposing stops it and checks its log.
/// </summary>
public sealed partial class ServerProcess : IAsyncDisposable
{
    /// <summary>What a test or a measurement needs that an office does not: one user that sends thousands of messages a second.</summary>
    public static readonly string[] WithoutRateLimits =
    [
        "--limits-sends-per-second", "0", "--limits-send-burst", "0",
        "--limits-calls-per-second", "0", "--limits-call-burst", "0",
        "--limits-searches-per-second", "0", "--limits-search-burst", "0",
        "--limits-connections-per-address", "0", "--limits-connections", "0",
        "--limits-rooms-per-user", "0", "--limits-members-per-room", "0",
    ];

    /// <summary>Names a folder that keeps what every server wrote, a file each, for the search after what happened.</summary>
    private const string LogsVariable = "DCHAT_TEST_LOGS";

    private const string Status = "/proc/self/status";

    private static readonly string[] Configuring = ["DCHAT", "AWS_"];

    private const int SigInt = 2;
    private const int SigTerm = 15;
    private const int SigCont = 18;
    private const int SigStop = 19;
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(120);

    private readonly TemporaryFolder? _folder;
    private string[] _flags;
    private readonly IReadOnlyDictionary<string, string> _environment;
    private Process? _process;
    private Process? _alive;

    private ServerProcess(string program, TemporaryFolder? folder, string data, string[] flags, IReadOnlyDictionary<string, string>? environment, TestHost? host, FakeClock? clock)
    {
        Program = program;
        (Host, Clock) = (host, clock);
        _folder = folder;
        Data = data;
        _flags = flags;
        _environment = new Dictionary<string, string>((environment ?? new Dictionary<string, string>()).Concat(clock?.Environment ?? new Dictionary<string, string>()));
    }

    /// <summary>Where it runs; null: on this machine itself.</summary>
    public TestHost? Host { get; }

    /// <summary>What is started next; another one, such as a newer version, goes on with the data, the ports and the flags of the one before.</summary>
    public string Program { get; set; }

    /// <summary>Its own wall clock; null: it has the machine's.</summary>
    public FakeClock? Clock { get; }

    /// <summary>Whether it was started and has not ended, by itself or otherwise.</summary>
    public bool IsRunning => Volatile.Read(ref _alive) is not null; // Asked while it is killed and started again: the process itself may be disposed of.

    /// <summary>The data folder; it stays over restarts.</summary>
    public string Data { get; }

    /// <summary>Where clients connect; a coordinator alone has no such place.</summary>
    public Uri Client { get; private set; } = null!;

    /// <summary>Where nodes connect and the metrics are.</summary>
    public Uri Node { get; private set; } = null!;

    /// <summary>All that the process wrote, over all its lives.</summary>
    public LogBook Log { get; } = new();

    public int ProcessId => Running.Id;

    /// <summary>How long the last start took, from the process's beginning until it said that it listens.</summary>
    public TimeSpan StartTime { get; private set; }

    /// <summary>The password of the account <c>admin</c>.</summary>
    public string AdminPassword => File.ReadAllText(Path.Combine(Data, "initial-admin-password")).Trim();

    private bool IsCoordinatorAlone => Array.IndexOf(_flags, "--mode") is >= 0 and var mode && _flags[mode + 1] == "coordinator";

    private Process Running => _process ?? throw new InvalidOperationException("the server is not running");

    /// <param name="clientPort">0: a free one.</param>
    /// <param name="nodePort">0: a free one.</param>
    /// <param name="flags">Flags besides <c>--data</c> and the ports.</param>
    /// <param name="data">The data folder; a temporary one when null.</param>
    /// <param name="program">A program that takes the server's flags and prints its listening line; the server when null.</param>
    /// <param name="host">Where it runs; null: on this machine itself. Its address must be among the flags.</param>
    /// <param name="clock">Its own wall clock; null: the machine's.</param>
    public static async Task<ServerProcess> StartAsync(string[]? flags = null, string? data = null, IReadOnlyDictionary<string, string>? environment = null, string? program = null, int clientPort = 0, int nodePort = 0, TestHost? host = null, FakeClock? clock = null)
    {
        var folder = data is null ? new TemporaryFolder() : null;
        var server = new ServerProcess(program ?? ServerBinary.Path, folder, data ?? folder!["data"], flags ?? [], environment, host, clock);
        try
        {
            await server.LaunchAsync(clientPort, nodePort);
            return server;
        }
        catch
        {
            await server.KillAsync();
            folder?.Dispose();
            throw;
        }
    }

    /// <summary>An HTTP client of the clients' port. The caller disposes it.</summary>
    public HttpClient CreateHttpClient() => new() { BaseAddress = Client, Timeout = Eventually.DefaultLimit };

    /// <summary>Waits until it has said, in one line, all of these. What it says comes by a pipe, and may come after what it did is seen elsewhere.</summary>
    public async Task SaysAsync(params string[] parts)
    {
        try
        {
            await Eventually.Holds(() => Log.Lines.Any(line => Array.TrueForAll(parts, part => line.Contains(part, StringComparison.Ordinal))));
        }
        catch (TimeoutException)
        {
            Assert.Fail($"the server did not say '{string.Join("' … '", parts)}':\n{Log}");
        }
    }

    /// <summary>Ends it as <c>kill -9</c> does: nothing is finished, nothing is flushed.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            process.Kill();
            await process.WaitForExitAsync().Within(StopLimit);
            _process = _alive = null;
            process.Dispose();
        }
    }

    /// <summary>Asks it to stop, as systemd and Docker do.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> TerminateAsync()
    {
        Assert.Equal(0, Signal(Running.Id, SigTerm));
        return await WaitForExitAsync();
    }

    /// <summary>Waits until it ends by itself.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> WaitForExitAsync()
    {
        var process = Running;
        await process.WaitForExitAsync().Within(StopLimit);
        var code = process.ExitCode;
        _process = _alive = null;
        process.Dispose();
        return code;
    }

    /// <summary>Stops it in the middle of whatever it does, as a machine that hangs.</summary>
    public void Freeze() => Assert.Equal(0, Signal(ProcessId, SigStop));

    /// <summary>Ctrl-C for a process that runs.</summary>
    public static void Interrupt(int processId) => Assert.Equal(0, Signal(processId, SigInt));

    public void Thaw() => Assert.Equal(0, Signal(ProcessId, SigCont));

    /// <summary>Starts it again, after a kill or a stop, on the same data and the same ports.</summary>
    /// <param name="flags">Flags beside those of its first start; they stay.</param>
    public Task RestartAsync(params string[] flags)
    {
        _flags = [.. _flags, .. flags];
        return LaunchAsync(Client?.Port ?? 0, Node.Port);
    }

    /// <summary>Stops it where it runs, and checks that it stopped in an orderly way and logged nothing that it should not.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_process is not null)
            {
                var code = await TerminateAsync();
                Assert.True(code == 0, $"the server exited with {code}:\n{Log}");
            }

            Log.AssertClean();
        }
        finally
        {
            await KillAsync();
            _folder?.Dispose();
        }
    }

    /// <summary>Runs the binary to its end, for what it prints and its exit code.</summary>
    /// <param name="started">Is told its process id.</param>
    /// <param name="until">When it has said this it is asked to stop.</param>
    public static async Task<(int ExitCode, string Output, string Error)> RunAsync(
        string[] arguments, IReadOnlyDictionary<string, string>? environment = null, Func<int, Task>? started = null, string? until = null)
    {
        HeedInterrupts();
        using var process = new Process { StartInfo = Describe(ServerBinary.Path, arguments, environment) };
        process.Start();
        process.StandardInput.Close(); // Whoever asks for something gets no answer.
        try
        {
            var (output, error) = (new StringWriter(), new StringWriter());
            var copying = Task.WhenAll(CopyAsync(process.StandardOutput, output), CopyAsync(process.StandardError, error));
            await (started?.Invoke(process.Id) ?? Task.CompletedTask);
            try
            {
                if (until is not null)
                {
                    await Eventually.Holds(() => process.HasExited || (Said(output) + Said(error)).Contains(until, StringComparison.Ordinal));
                    _ = Signal(process.Id, SigTerm);
                }

                await Task.WhenAll(process.WaitForExitAsync(), copying).Within(StopLimit);
            }
            catch (TimeoutException)
            {
                throw new TimeoutException($"'dchat-server {string.Join(' ', arguments)}' {(process.HasExited ? "ended, but not its output" : "did not end")} within {StopLimit.TotalSeconds} s. It said: {Said(output)}{Said(error)}");
            }

            return (process.ExitCode, Said(output), Said(error));
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }

    /// <summary>Tests that run in the background of a shell ignore Ctrl-C, and so would all that they start.</summary>
    private static void HeedInterrupts()
    {
        const string Ignored = "SigIgn:";
        var mask = File.Exists(Status) ? File.ReadLines(Status).FirstOrDefault(line => line.StartsWith(Ignored, StringComparison.Ordinal))?[Ignored.Length..].Trim() : null;
        if (mask is not null && (ulong.Parse(mask, NumberStyles.HexNumber, CultureInfo.InvariantCulture) & (1UL << (SigInt - 1))) != 0)
        {
            _ = SetHandler(SigInt, 0);
        }
    }

    private static async Task CopyAsync(StreamReader from, StringWriter to)
    {
        var buffer = new char[4096];
        while (await from.ReadAsync(buffer) is > 0 and var read)
        {
            lock (to)
            {
                to.Write(buffer, 0, read);
            }
        }
    }

    private static string Said(StringWriter text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }

    private async Task LaunchAsync(int clientPort, int nodePort)
    {
        if (_process is not null)
        {
            throw new InvalidOperationException("the server is running already");
        }

        // Ports of its own, not the system's choice: whoever asked the system meanwhile would have them when it starts again.
        (clientPort, nodePort) = (clientPort == 0 ? FreePort.Next() : clientPort, nodePort == 0 ? FreePort.Next() : nodePort);
        string[] arguments =
        [
            "--data", Data,
            .. IsCoordinatorAlone ? [] : (string[])["--port", clientPort.ToString(CultureInfo.InvariantCulture)],
            "--node-port", nodePort.ToString(CultureInfo.InvariantCulture),
            .. _flags,
        ];
        var kept = Environment.GetEnvironmentVariable(LogsVariable) is { Length: > 0 } logs
            ? Path.Combine(Directory.CreateDirectory(logs).FullName, string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(Data)}-{nodePort}.log"))
            : null;
        var listening = new TaskCompletionSource<Match>(TaskCreationOptions.RunContinuationsAsynchronously);
        var (program, all) = Host?.Command(Program, arguments) is [var first, .. var rest] ? (first, rest) : (Program, arguments);
        var process = new Process { StartInfo = Describe(program, all, _environment), EnableRaisingEvents = true };
        process.OutputDataReceived += (_, line) => Take(line.Data);
        process.ErrorDataReceived += (_, line) => Take(line.Data);
        process.Exited += (_, _) => Interlocked.CompareExchange(ref _alive, null, process);
        process.Exited += (_, _) => listening.TrySetException(new InvalidOperationException($"the server exited before it listened:\n{Log}"));
        var started = Stopwatch.GetTimestamp();
        _alive = process;
        process.Start();
        _process = process;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();

        var match = await listening.Task.Within(StartLimit);
        StartTime = Stopwatch.GetElapsedTime(started);
        Client = match.Groups["client"].Success ? new Uri(match.Groups["client"].Value) : null!;
        Node = new Uri(match.Groups["node"].Value);

        void Take(string? line)
        {
            if (line is null)
            {
                return;
            }

            Log.Write(line);
            if (kept is not null)
            {
                lock (Log)
                {
                    File.AppendAllText(kept, line + Environment.NewLine);
                }
            }

            if (ListeningLine().Match(line) is { Success: true } found)
            {
                listening.TrySetResult(found);
            }
        }
    }

    private static ProcessStartInfo Describe(string program, string[] arguments, IReadOnlyDictionary<string, string>? environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        // What configures it is given by each test, and never what another one set, or whoever runs them.
        foreach (var name in start.Environment.Keys.Where(name => Configuring.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))).ToArray())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        return start;
    }

    /// <param name="handler">0: what is usual.</param>
    [DllImport("libc", EntryPoint = "signal", SetLastError = true)]
    private static extern nint SetHandler(int signal, nint handler);

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int Signal(int processId, int signal);

    [GeneratedRegex(@"(?:^|""Message"":"")listening (?:(?<client>\S+) )?node (?<node>[^\s""]+)", RegexOptions.CultureInvariant)]
    private static partial Regex ListeningLine();
}
