using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Nodes;
using DChat.Server.Tests.Contract;
using DChat.Server.Tests.Coordinator;
using DChat.Server.Tests.Peers;
using DChat.Server.Worker.Joining;
using DChat.Server.Worker.Peers;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace DChat.Server.Tests.Worker.Joining;

/// <summary>A worker that hears of the registry what its program does not know: it serves nobody by what it knew, and ends.</summary>
public sealed class NewerClusterTests
{
    private static readonly string Secret = Convert.ToBase64String(new byte[ClusterSecret.Size]);

    [Fact]
    public async Task A_running_worker_ends_with_a_failure_and_neither_comes_back_nor_waits_for_its_rooms_to_move()
    {
        using var folder = new TemporaryFolder();
        var port = FreePort.Next();
        await using var coordinator = await StartCoordinatorAsync(port);
        var registry = coordinator.Services.GetRequiredService<RegistryReplica>();
        var log = new LogBook();
        log.ExpectErrors("cannot go on|RegistryHalt|BackgroundService|Hosting");
        var running = ServerApp.RunAsync(WorkerOptions(folder, port), builder => InProcessServer.LogTo(builder, log));
        string? worker = null;
        await Eventually.Holds(() => (worker = registry.State.Workers().SingleOrDefault(each => each.State == WorkerState.Active)?.Id) is not null);
        await SubmitAsync(coordinator, new RegisterWorker("", "", 0, "heir", "127.0.0.1:1", "i", 1, [], WorkerState.Active, null));
        await SubmitAsync(coordinator, RegistryBench.Account("ann"));
        await SubmitAsync(coordinator, new CreateRoom(Chat.NewId(), "ann", 1_000, Chat.NewId(), "room", null, RoomVisibility.Public, null, worker!));
        Assert.Equal(1, registry.State.FindWorker(worker!)!.RoomCount);
        var door = coordinator.Services.GetRequiredService<TappedDoor>();
        var links = door.Links;

        door.TellNewer(registry.Index + 1);

        Assert.Equal(CommandLine.Failure, await running.Within());
        Assert.Equal(links, door.Links);
        Assert.Contains(log.Lines, line => line.Contains("[3105]", StringComparison.Ordinal) && line.Contains("at least as new as the one that wrote it", StringComparison.Ordinal));
        string[] ofMovingRooms = ["[2403]", "[2405]", "[2406]"];
        Assert.DoesNotContain(log.Lines, line => ofMovingRooms.Any(id => line.Contains(id, StringComparison.Ordinal)));
        log.AssertClean();
    }

    /// <summary>As one that waits for an administrator's approval.</summary>
    [Fact]
    public async Task A_worker_that_does_not_take_part_yet_refuses_to_start()
    {
        using var folder = new TemporaryFolder();
        var port = FreePort.Next();
        await using var coordinator = await StartCoordinatorAsync(port, WorkerAdmissionMode.Approve);
        var registry = coordinator.Services.GetRequiredService<RegistryReplica>();
        var log = new LogBook();
        log.ExpectErrors("cannot go on|RegistryHalt|BackgroundService|Hosting");
        var running = ServerApp.RunAsync(WorkerOptions(folder, port), builder => InProcessServer.LogTo(builder, log));
        await Eventually.Holds(() => log.Lines.Any(line => line.Contains("[3103]", StringComparison.Ordinal)));

        coordinator.Services.GetRequiredService<TappedDoor>().TellNewer(registry.Index + 1);

        Assert.Equal(CommandLine.Failure, await running.Within());
    }

    [Fact]
    public async Task A_worker_that_hears_it_of_another_worker_ends_too()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 2);
        var (knows, misses) = (cluster.Workers[0].Server, cluster.Workers[1].Server);
        misses.Log.ExpectErrors("cannot go on|RegistryHalt|BackgroundService|Hosting");
        var stopping = misses.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        var state = knows.Services.GetRequiredService<RegistryReplica>().State;
        IRegistryObserver feed = knows.Services.GetRequiredService<RegistryFeed>();
        feed.Applied(state, state, state.Index + 1, new RegistryEntry(RegistryEntryCodec.Version + 1, 1, []));

        _ = misses.Services.GetRequiredService<MissedEntries>().ReachAsync(state.Index + 1, knows.Services.GetRequiredService<NodeSelf>().Hello(NodeServices.Peer)).AsTask();

        await Eventually.Holds(() => stopping.IsCancellationRequested);
        Assert.IsType<UnknownRegistryEventException>(misses.Services.GetRequiredService<ServiceFailures>().First);
        await Eventually.Holds(() => !misses.Services.GetRequiredService<IClusterMembership>().HearsCoordinator);
    }

    private static Task<InProcessServer> StartCoordinatorAsync(int port, WorkerAdmissionMode admission = WorkerAdmissionMode.Open) => InProcessServer.StartAsync(
        options => options with
        {
            Mode = ServerMode.Coordinator,
            NodePort = port,
            ClusterSecret = Secret,
            Admission = admission,
            WorkerSilenceMs = 60_000,
            WorkerClosedMs = 60_000,
        },
        builder => TappedDoor.Install(builder.Services));

    private static ServerOptions WorkerOptions(TemporaryFolder folder, int coordinator) => new()
    {
        Mode = ServerMode.Worker,
        Data = folder["data"],
        Port = 0,
        NodePort = 0,
        ClusterSecret = Secret,
        Coordinators = $"127.0.0.1:{coordinator}",
        Store = EngineUrl.Under(folder.Path, "sqlite", "messages.db"),
    };

    private static async Task SubmitAsync(InProcessServer coordinator, Command command)
    {
        var result = await coordinator.Services.GetRequiredService<IRegistryCommands>().SubmitAsync(command, CancellationToken.None).Within();
        Assert.True(result.Outcome.IsOk, result.Outcome.Text);
    }
}
