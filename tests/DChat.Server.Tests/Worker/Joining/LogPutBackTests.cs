using DChat.Core.Registry;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Tests.Coordinator;
using DChat.Server.Tests.Peers;
using DChat.Server.Worker.Joining;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace DChat.Server.Tests.Worker.Joining;

/// <summary>The control log is put back as it was before, while a worker runs that knows what was lost by that.</summary>
public sealed class LogPutBackTests
{
    private const string Nowhere = "127.0.0.1:1";

    private static readonly string Secret = Convert.ToBase64String(new byte[ClusterSecret.Size]);

    /// <param name="anew">Entries that the leader has made by the time the worker comes back: none, or more than were lost.</param>
    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    public async Task A_worker_that_holds_what_was_lost_ends_and_applies_nothing_upon_it(int anew)
    {
        using var folder = new TemporaryFolder();
        var (lost, kept) = (folder["lost"], folder["kept"]);
        var port = FreePort.Next();
        await (await StartCoordinatorAsync(port, lost)).DisposeAsync();
        Copy(lost, kept);
        await using var way = new CuttableProxy(port);
        var first = await StartCoordinatorAsync(port, lost);
        await using var worker = await InProcessServer.StartAsync(options => options with
        {
            Mode = ServerMode.Worker,
            ClusterSecret = Secret,
            Coordinators = way.Address,
            Store = EngineUrl.Under(folder.Path, "sqlite", "messages.db"),
        });
        worker.Log.ExpectErrors("cannot go on|RegistryHalt|BackgroundService|Hosting");
        var stopping = worker.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        var replica = worker.Services.GetRequiredService<RegistryReplica>();
        Assert.True(await replica.WaitForAsync(await MakeAccountsAsync(first, "lost", 3), Eventually.DefaultLimit, CancellationToken.None));

        way.Cut();
        await first.DisposeAsync();
        var held = replica.State;
        await using var second = await StartCoordinatorAsync(port, kept);
        await MakeAccountsAsync(second, "new", anew);
        way.Mend();

        await Eventually.Holds(() => stopping.IsCancellationRequested);
        Assert.IsType<RegistryForkException>(worker.Services.GetRequiredService<ServiceFailures>().First);
        await Eventually.Holds(() => !worker.Services.GetRequiredService<IClusterMembership>().HearsCoordinator);
        Assert.Same(held, replica.State);
    }

    private static Task<InProcessServer> StartCoordinatorAsync(int port, string data) => InProcessServer.StartAsync(options => options with
    {
        Mode = ServerMode.Coordinator,
        NodePort = port,
        Advertise = Nowhere,
        ClusterSecret = Secret,
        Data = data,
        WorkerSilenceMs = 60_000,
        WorkerClosedMs = 60_000,
    });

    /// <returns>The last entry.</returns>
    private static async Task<long> MakeAccountsAsync(InProcessServer coordinator, string prefix, int count)
    {
        var last = 0L;
        for (var i = 0; i < count; i++)
        {
            var result = await coordinator.Services.GetRequiredService<IRegistryCommands>().SubmitAsync(RegistryBench.Account($"{prefix}{i}"), CancellationToken.None).Within();
            Assert.True(result.Outcome.IsOk, result.Outcome.Text);
            last = result.Index;
        }

        return last;
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var folder in Directory.EnumerateDirectories(from, "*", SearchOption.AllDirectories))
        {
            Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, folder)));
        }

        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)));
        }
    }
}
