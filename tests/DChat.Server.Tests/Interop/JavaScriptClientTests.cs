using System.Diagnostics;
using DChat.TestKit;
using Xunit.Abstractions;

namespace DChat.Server.Tests.Interop;

/// <summary>Microsoft's own JavaScript client against the real server: the scenarios are in <c>tests/interop</c>.</summary>
public sealed class JavaScriptClientTests(ITestOutputHelper output)
{
    private static readonly TimeSpan InstallLimit = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan RunLimit = TimeSpan.FromMinutes(5);
    private static readonly string Folder = Path.Combine(ServerBinary.Root, "tests", "interop");

    [Fact]
    public async Task It_chats_reconnects_resumes_and_reads_the_codes_of_errors()
    {
        if (!Directory.Exists(Path.Combine(Folder, "node_modules")))
        {
            await RunAsync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], InstallLimit);
        }

        await using var server = await ServerProcess.StartAsync();
        var report = await RunAsync("node", ["--test", "--test-force-exit", "--test-reporter=tap", "chat.test.js"], RunLimit, ("DCHAT_URL", server.Client.GetLeftPart(UriPartial.Authority)));
        Assert.Matches(@"(?m)^# pass [1-9]\d*$", report);
        Assert.Matches(@"(?m)^# (skipped|cancelled|todo) 0$", report);
    }

    private async Task<string> RunAsync(string program, string[] arguments, TimeSpan limit, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = Folder, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        try
        {
            var said = process.StandardOutput.ReadToEndAsync();
            var complained = process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync().Within(limit);
            var report = await said;
            output.WriteLine(report);
            Assert.True(process.ExitCode == 0, $"{program} exited with {process.ExitCode}:\n{report}\n{await complained}");
            return report;
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}
