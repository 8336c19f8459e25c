using System.Net;
using System.Net.Sockets;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Tests.Contract;
using DChat.TestKit;

namespace DChat.Server.Tests.Worker.Joining;

/// <summary>A worker that is started while there is no coordinator.</summary>
public sealed class WaitingWorkerTests
{
    private const int Searches = 3;

    [Fact]
    public async Task It_says_what_it_waits_for_serves_nobody_and_begins_by_itself_when_a_coordinator_is_there()
    {
        using var folder = new TemporaryFolder();
        var secret = Convert.ToBase64String(new byte[ClusterSecret.Size]);
        var log = new LogBook();
        var (coordinatorPort, clientPort, nodePort) = (FreePort.Next(), FreePort.Next(), FreePort.Next());
        var starting = InProcessServer.StartAsync(
            options => options with
            {
                Mode = ServerMode.Worker,
                Port = clientPort,
                NodePort = nodePort,
                ClusterSecret = secret,
                Coordinators = $"127.0.0.1:{coordinatorPort}",
                Store = EngineUrl.Under(folder.Path, "sqlite", "messages.db"),
            },
            builder => InProcessServer.LogTo(builder, log));
        await Eventually.Holds(() => Said(log, $"waiting for a coordinator at 127.0.0.1:{coordinatorPort}: "));
        await SearchedAgainAsync(coordinatorPort);
        Assert.False(starting.IsCompleted);
        await ClosedDoor.AssertNobodyListensAsync(IPAddress.Loopback, clientPort);
        await ClosedDoor.AssertNobodyListensAsync(IPAddress.Loopback, nodePort);
        Assert.False(Said(log, "takes part"));

        await using var coordinator = await InProcessServer.StartAsync(options => options with { Mode = ServerMode.Coordinator, NodePort = coordinatorPort, ClusterSecret = secret });
        await using var worker = await starting;
        Assert.True(Said(log, "takes part"));
        using var http = worker.CreateHttpClient();
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/health/ready").Within()).StatusCode);
        var crowd = await Crowd.MakeAsync(http, coordinator.AdminPassword, users: 1);
        await using var client = await HubProbe.ConnectAsync(worker.Client, crowd.Token(0));
        Assert.Equal(1, await client.SeqOfSendAsync(crowd.Room, "served"));
        log.AssertClean();
    }

    /// <summary>Takes the coordinator's place, answers nothing, and waits until the worker has tried it several times.</summary>
    private static async Task SearchedAgainAsync(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        listener.Start();
        for (var search = 0; search < Searches; search++)
        {
            using var worker = await listener.AcceptTcpClientAsync().WaitAsync(Eventually.DefaultLimit);
        }
    }

    private static bool Said(LogBook log, string what) => log.Lines.Any(line => line.Contains(what, StringComparison.Ordinal));
}
