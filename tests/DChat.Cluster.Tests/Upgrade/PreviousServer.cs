using System.Diagnostics;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Upgrade;

/// <summary>The server of the version before this one, which <c>.ci/previous</c> builds before the first test that needs it.</summary>
public sealed class PreviousServer : IAsyncLifetime
{
    /// <summary>Half a minute on two cores that do nothing else.</summary>
    private static readonly TimeSpan BuildLimit = TimeSpan.FromMinutes(4);

    /// <summary>The path of its program.</summary>
    public string Program { get; private set; } = "";

    /// <summary>What it says that it is.</summary>
    public string Version { get; private set; } = "";

    public async Task InitializeAsync()
    {
        var folder = await RunAsync(Path.Combine(ServerBinary.Root, ".ci/previous"));
        Program = Path.Combine(folder, "dchat-server");
        Version = (await RunAsync(Program, "version")).Split(' ')[^1];
    }

    public Task DisposeAsync() => Task.CompletedTask; // It stays, for the next run.

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        try
        {
            var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await process.WaitForExitAsync().Within(BuildLimit);
            var (said, complained) = (await output.Within(), await errors.Within());
            Assert.True(process.ExitCode == 0, $"{program} exited with {process.ExitCode}: {complained}");
            return said.Trim();
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
