using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Cluster;

/// <summary><c>make cluster</c> at a terminal of its own: all that it starts is one process group, to which Ctrl-C goes.</summary>
internal sealed partial class ClusterScript : IAsyncDisposable
{
    private const int SigInt = 2;
    private const int SigKill = 9;
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>It builds, and starts a PostgreSQL and several nodes one after the other.</summary>
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(4);

    private static readonly TimeSpan StopLimit = TimeSpan.FromMinutes(2);
    private static readonly string[] Configuring = ["DCHAT", "AWS_", "MAKE", "MFLAGS"];

    private readonly TemporaryFolder _folder = new();
    private readonly LogBook _said = new();
    private Process? _make;

    /// <param name="settings">Such as <c>WORKERS=2</c>.</param>
    public ClusterScript(params string[] settings)
    {
        Settings = settings;
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(_folder.Path, Private | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute); // PostgreSQL's user passes through.
        }
    }

    public string[] Settings { get; }

    public string Data => _folder["cluster"];

    /// <summary>The first worker's port; 100 above it are free too, and so at 1,000, 2,000 and 3,000 above it what is used there.</summary>
    public int Port { get; } = FreePort.WithOthersAbove(1, 2, 1_000, 1_001, 1_002, 1_003, 1_101, 1_102, 1_103, 2_000, 3_001, 3_002, 3_003);

    public string Said => _said.ToString();

    /// <summary>Its processes, whoever started which: the place of its data is in the environment or on the command line of all.</summary>
    public IReadOnlyList<(int Id, string Command)> Processes =>
    [
        .. Directory.EnumerateDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : 0)
            .Where(id => id != 0 && id != Environment.ProcessId)
            .Select(id => (Id: id, Command: Read(id, "cmdline")))
            .Where(process => process.Command.Contains(Data, StringComparison.Ordinal) || Read(process.Id, "environ").Contains($"\0DATA={Data}\0", StringComparison.Ordinal))
            .Select(process => (process.Id, process.Command.Replace('\0', ' '))),
    ];

    /// <summary>Starts it and waits until it has said something.</summary>
    public async Task StartAsync(string until)
    {
        // Whoever runs the tests in the background has Ctrl-C ignored, which a shell could not change.
        var start = new ProcessStartInfo("setsid", ["env", "--default-signal=INT", "make", "--no-print-directory", "cluster", .. Settings, $"PORT={Port}"])
        {
            WorkingDirectory = ServerBinary.Root,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(name => Configuring.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal))).ToArray())
        {
            start.Environment.Remove(name);
        }

        start.Environment["DATA"] = Data;
        start.Environment["CONFIGURATION"] = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1"; // The build leaves nothing behind either.
        start.Environment["UseSharedCompilation"] = "false";
        var make = new Process { StartInfo = start };
        make.OutputDataReceived += (_, line) => _said.Write(line.Data ?? "");
        make.ErrorDataReceived += (_, line) => _said.Write(line.Data ?? "");
        make.Start();
        _make = make;
        make.BeginOutputReadLine();
        make.BeginErrorReadLine();
        await SaysAsync(until);
    }

    public async Task SaysAsync(string what)
    {
        await Eventually.Holds(() => _make!.HasExited || Said.Contains(what, StringComparison.Ordinal), StartLimit);
        if (_make!.HasExited)
        {
            await WaitForExitAsync(); // And for its last words.
        }

        Assert.True(Said.Contains(what, StringComparison.Ordinal), Said);
    }

    /// <summary>Ctrl-C, as a terminal does it.</summary>
    public void Interrupt() => Assert.Equal(0, Signal(-_make!.Id, SigInt));

    /// <summary>Waits until it has ended by itself.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> WaitForExitAsync()
    {
        try
        {
            await _make!.WaitForExitAsync().Within(StopLimit);
            return _make.ExitCode;
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"it does not end:\n{Said}\n{string.Join('\n', Processes)}");
        }
    }

    /// <summary>What stands in the line of the summary that begins so.</summary>
    public IReadOnlyList<string> Summary(string head) => [.. SummaryLine().Matches(Said).Where(line => line.Groups["head"].Value == head).Select(line => line.Groups["text"].Value)];

    /// <summary>Whatever it left behind is ended, so that a test that failed leaves nothing.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_make is { HasExited: false })
        {
            _ = Signal(-_make.Id, SigInt);
            await _make.WaitForExitAsync().WaitAsync(StopLimit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        foreach (var (id, _) in Processes)
        {
            _ = Signal(id, SigKill);
        }

        _make?.Dispose();
        _folder.Dispose();
    }

    private static string Read(int process, string file)
    {
        try
        {
            return "\0" + File.ReadAllText($"/proc/{process}/{file}");
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return ""; // It ended meanwhile, or is somebody else's.
        }
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int Signal(int process, int signal);

    [GeneratedRegex(@"^  (?<head>[A-Za-z][A-Za-z ]*?(?: \d+)?) {2,}(?<text>\S.*)$", RegexOptions.CultureInvariant | RegexOptions.Multiline)]
    private static partial Regex SummaryLine();
}
