using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using DChat.Terminal;
using DChat.Terminal.Load;
using DChat.TestKit;

namespace DChat.Benchmarks.Bench;

/// <summary>Runs <c>dchat load</c> as a process of its own.</summary>
internal static class LoadProcess
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(30);

    /// <exception cref="InvalidOperationException">It did not run, or the checker found something: such figures are worthless.</exception>
    public static Task<LoadReport> RunAsync(Subject subject, string[] arguments) => RunAsync(
        subject.Address.ToString(),
        Subject.AdminPassword,
        ["--server-pid", subject.ProcessId.ToString(CultureInfo.InvariantCulture), .. subject.IsBare ? ["--bare"] : Array.Empty<string>(), .. arguments],
        _ => { });

    /// <param name="servers">With commas between.</param>
    /// <param name="onProgress">Sees the lines that say what it is doing.</param>
    /// <inheritdoc cref="RunAsync(Subject, string[])"/>
    public static async Task<LoadReport> RunAsync(string servers, string adminPassword, string[] arguments, Action<string> onProgress)
    {
        var start = new ProcessStartInfo(ServerBinary.Built("client/DChat.Terminal", "dchat"), ["load", "--json", "--server", servers, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DCHAT_ADMIN_PASSWORD"] = adminPassword;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var lastSaid = "";
        process.ErrorDataReceived += (_, line) =>
        {
            lastSaid = string.IsNullOrWhiteSpace(line.Data) ? lastSaid : line.Data;
            onProgress(line.Data ?? "");
        };
        process.BeginErrorReadLine();
        await process.WaitForExitAsync().WaitAsync(Limit);
        if (process.ExitCode is not (0 or ExitCodes.Refused))
        {
            throw new InvalidOperationException($"dchat load {string.Join(' ', arguments)} ended with {process.ExitCode}: {lastSaid}");
        }

        var report = JsonSerializer.Deserialize(await output, LoadJson.Default.LoadReport)!;
        return report.Verdict.IsClean
            ? report
            : throw new InvalidOperationException($"dchat load {string.Join(' ', arguments)}: {report.Verdict}\n{string.Join('\n', report.Verdict.Examples.Concat(report.Notes))}");
    }
}
