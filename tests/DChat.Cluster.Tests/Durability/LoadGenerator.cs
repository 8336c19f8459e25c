using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json.Nodes;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Durability;

/// <summary><c>dchat load</c> as a process of its own.</summary>
internal sealed class LoadGenerator : IDisposable
{
    private static readonly string[] Findings = ["missing", "doubled", "outOfOrder", "holes", "differing", "phantom"];

    private readonly Process _process;
    private readonly Task<string> _output;
    private readonly ConcurrentQueue<string> _errors = new();

    private LoadGenerator(Process process)
    {
        _process = process;
        _output = process.StandardOutput.ReadToEndAsync();
        process.ErrorDataReceived += (_, line) => Take(line.Data);
        process.BeginErrorReadLine();
    }

    public bool HasEnded => _process.HasExited;

    /// <summary>It sends no more, and waits until everything is answered and seen, or has.</summary>
    public bool IsEnding { get; private set; }

    /// <summary>What its checker found first, as its progress tells it; null while nothing is wrong.</summary>
    public string? FirstFinding { get; private set; }

    public static LoadGenerator Start(ServerProcess server, params string[] arguments) =>
        Start([server.Client], null, ["--admin-password-file", Path.Combine(server.Data, "initial-admin-password"), .. arguments]);

    /// <summary>Clients spread over several servers, each of which tries the next when its own is gone.</summary>
    public static LoadGenerator Start(IEnumerable<Uri> servers, string? adminPassword, params string[] arguments)
    {
        var start = new ProcessStartInfo(
            ServerBinary.Built("client/DChat.Terminal", "dchat"), ["load", "--server", string.Join(',', servers), "--json", .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        if (adminPassword is not null)
        {
            start.Environment["DCHAT_ADMIN_PASSWORD"] = adminPassword;
        }

        return new LoadGenerator(Process.Start(start)!);
    }

    /// <summary>Waits until a server has committed so many sends more. False where the load ended first.</summary>
    public async Task<bool> SendsAsync(ServerProcess server, int sends, TimeSpan limit)
    {
        var before = await Metrics.ReadAsync(server, "dchat_sends_total");
        await Eventually.Holds(async () => HasEnded || await Metrics.ReadAsync(server, "dchat_sends_total") >= before + sends, limit);
        return !HasEnded;
    }

    /// <summary>It was started with <c>--until-eof</c>, and has sent enough.</summary>
    public void IsEnough() => _process.StandardInput.Close();

    /// <summary>Waits for its end, and checks that its checker found nothing.</summary>
    /// <returns>Its report.</returns>
    public async Task<JsonNode> FinishAsync(TimeSpan limit)
    {
        await _process.WaitForExitAsync().Within(limit);
        var (output, errors) = (await _output, string.Join('\n', _errors));
        Assert.True(_process.ExitCode is 0 or 1, $"dchat load exited with {_process.ExitCode}: {errors}\n{output}");
        var report = JsonNode.Parse(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1])!;
        Assert.True(Findings.All(finding => (long)report["verdict"]![finding]! == 0), report.ToJsonString());
        Assert.Equal(0, _process.ExitCode);
        Assert.True((long)report["unanswered"]! == 0 && (long)report["roomsUnread"]! == 0, report.ToJsonString()); // What was not looked at is not clean.
        return report;
    }

    private void Take(string? line)
    {
        const string Found = "first finding: ";
        if (line is not null)
        {
            _errors.Enqueue(line);
            IsEnding |= line.Contains("  draining  ", StringComparison.Ordinal) || line.Contains("  reading back  ", StringComparison.Ordinal);
            FirstFinding ??= line.IndexOf(Found, StringComparison.Ordinal) is >= 0 and var at ? line[(at + Found.Length)..] : null;
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}
