using System.Diagnostics;
using System.Runtime.InteropServices;
using DChat.TestKit;

namespace DChat.Benchmarks.Bench;

/// <summary>A server that is measured: a process of its own with its data in a temporary folder.</summary>
internal sealed class Subject : IAsyncDisposable
{
    public const string AdminPassword = "only-for-this-measurement";

    private const int SigTerm = 15;
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly string? _folder;

    private Subject(Process process, Uri address, string? folder, bool isBare)
    {
        _process = process;
        _folder = folder;
        Address = address;
        IsBare = isBare;
    }

    public Uri Address { get; }

    public int ProcessId => _process.Id;

    /// <summary>A yardstick rather than D-Chat.</summary>
    public bool IsBare { get; }

    public static Task<Subject> StartDChatAsync(params string[] flags)
    {
        var folder = Directory.CreateTempSubdirectory("dchat-bench-").FullName;
        return StartAsync("dchat-server", ["--data", Path.Combine(folder, "data"), "--port", "0", "--node-port", "0", .. ServerProcess.WithoutRateLimits, .. flags], folder, isBare: false);
    }

    /// <param name="verb">Of this program: <c>bare-hub</c> or <c>raw-broadcaster</c>.</param>
    public static Task<Subject> StartYardstickAsync(string verb) => StartAsync("DChat.Benchmarks", [verb, "--port", "0"], folder: null, isBare: true);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _ = Signal(_process.Id, SigTerm);
        }

        using var limit = new CancellationTokenSource(StopLimit);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
            throw new TimeoutException($"{_process.StartInfo.FileName} did not stop within {StopLimit.TotalSeconds} s");
        }
        finally
        {
            _process.Dispose();
            if (_folder is not null)
            {
                Directory.Delete(_folder, recursive: true);
            }
        }
    }

    private static async Task<Subject> StartAsync(string program, string[] arguments, string? folder, bool isBare)
    {
        var start = new ProcessStartInfo(isBare ? Path.Combine(AppContext.BaseDirectory, program) : ServerBinary.Path, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DCHAT_ADMIN_PASSWORD"] = AdminPassword;
        var listening = new TaskCompletionSource<Uri>(TaskCreationOptions.RunContinuationsAsynchronously);
        var process = new Process { StartInfo = start, EnableRaisingEvents = true };
        var said = new List<string>();
        process.OutputDataReceived += (_, line) => Take(line.Data);
        process.ErrorDataReceived += (_, line) => Take(line.Data);
        process.Exited += (_, _) => listening.TrySetException(new InvalidOperationException($"{program} ended before it listened: {Said()}"));
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new Subject(process, await listening.Task.WaitAsync(StartLimit), folder, isBare);

        void Take(string? line)
        {
            lock (said)
            {
                said.Add(line ?? "");
            }

            if (line?.Split(' ') is ["listening", var address, ..])
            {
                listening.TrySetResult(new Uri(address));
            }
        }

        string Said()
        {
            lock (said)
            {
                return string.Join('\n', said);
            }
        }
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int Signal(int processId, int signal);
}
