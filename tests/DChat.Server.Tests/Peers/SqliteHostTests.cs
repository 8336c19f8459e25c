using DChat.Core.Registry;
using DChat.Protocol;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Tests.Contract;
using DChat.Server.Worker;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Peers;

/// <summary>Messages in SQLite, of one worker: it hosts every room, the others are gateways, and nobody takes over.</summary>
public sealed class SqliteHostTests
{
    private readonly string _secret = Convert.ToBase64String(new byte[ClusterSecret.Size]);
    private readonly int _coordinatorPort = FreePort.Next();

    [Fact]
    public async Task Clients_of_gateways_chat_through_the_host_and_while_it_is_away_their_rooms_wait_for_it()
    {
        using var folder = new TemporaryFolder();
        var (port, nodePort) = (FreePort.Next(), FreePort.Next());
        await using var coordinator = await InProcessServer.StartAsync(options => options with { Mode = ServerMode.Coordinator, NodePort = _coordinatorPort, ClusterSecret = _secret });
        var registry = coordinator.Services.GetRequiredService<RegistryReplica>();
        await using var first = await StartWorkerAsync();
        await using var second = await StartWorkerAsync();
        InProcessServer? host = await StartHostAsync();
        try
        {
            var id = host.Services.GetRequiredService<WorkerIdentity>().Id;
            Assert.Contains(host.Log.Lines, line => line.Contains("SQLite", StringComparison.Ordinal) && line.Contains("nobody takes its rooms", StringComparison.Ordinal));
            Assert.DoesNotContain(first.Log.Lines, line => line.Contains("nobody takes its rooms", StringComparison.Ordinal));
            using var http = first.CreateHttpClient();
            var crowd = await Crowd.MakeAsync(http, coordinator.AdminPassword, users: 3);
            await using var ann = await HubProbe.ConnectAsync(first.Client, crowd.Token(0));
            await using var bob = await HubProbe.ConnectAsync(second.Client, crowd.Token(1));
            await using (var cid = await HubProbe.ConnectAsync(host.Client, crowd.Token(2)))
            {
                HubProbe[] all = [ann, bob, cid];
                foreach (var probe in all)
                {
                    await probe.SubscribeAsync(crowd.Room);
                }

                for (var i = 0; i < all.Length; i++)
                {
                    Assert.Equal(i + 1, await all[i].SeqOfSendAsync(crowd.Room, $"from {i}"));
                    foreach (var probe in all)
                    {
                        await probe.NextPostAsync(crowd.Room, $"from {i}");
                    }
                }
            }

            Assert.Equal(["from 0", "from 1", "from 2"], (await bob.HistoryAsync(crowd.Room)).Select(message => (string)message["body"]!));
            Assert.Equal(id, registry.State.FindRoom(crowd.Room)!.AssignedTo);

            await host.DisposeAsync();
            host = null;
            await Eventually.Holds(() => registry.State.FindWorker(id)!.State == WorkerState.Gone);
            var waiting = SendAsync(ann, crowd.Room, "while it is away");
            Assert.Equal(id, registry.State.FindRoom(crowd.Room)!.AssignedTo);

            host = await StartHostAsync();
            Assert.Equal(4, await waiting);
            Assert.Equal(["from 0", "from 1", "from 2", "while it is away"], (await bob.HistoryAsync(crowd.Room)).Select(message => (string)message["body"]!));
        }
        finally
        {
            await (host?.DisposeAsync() ?? default);
        }

        Task<InProcessServer> StartHostAsync() => StartWorkerAsync(options => options with
        {
            Port = port,
            NodePort = nodePort,
            Data = folder["host"],
            Store = EngineUrl.Under(folder.Path, "sqlite", "messages.db"),
        });
    }

    /// <summary>Sends, and repeats what is unavailable for the moment, as clients do; answers the seq.</summary>
    private static async Task<long> SendAsync(HubProbe client, string room, string body)
    {
        var seq = 0L;
        await Eventually.Holds(async () =>
        {
            try
            {
                seq = (long)(await client.SendAsync(room, body, clientId: body))["seq"]!;
                return true;
            }
            catch (HubCallFailedException refused) when (refused.Error?.Code == ErrorCodes.Unavailable)
            {
                return false;
            }
        });
        return seq;
    }

    private Task<InProcessServer> StartWorkerAsync(Func<ServerOptions, ServerOptions>? configure = null) => InProcessServer.StartAsync(options =>
    {
        options = options with { Mode = ServerMode.Worker, NodePort = FreePort.Next(), ClusterSecret = _secret, Coordinators = $"127.0.0.1:{_coordinatorPort}" };
        return configure?.Invoke(options) ?? options;
    });
}
