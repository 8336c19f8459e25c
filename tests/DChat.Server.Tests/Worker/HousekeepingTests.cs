using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Cli;
using DChat.Server.Coordinator.Workers;
using DChat.Server.EtcdMembers;
using DChat.Server.Tests.Security;
using DChat.Server.Worker;
using DChat.Server.Worker.Joining;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace DChat.Server.Tests.Worker;

public sealed class HousekeepingTests
{
    [Fact]
    public async Task A_rooms_own_retention_beats_the_servers_and_numbers_go_on()
    {
        var clock = new ShiftedTime();
        await using var server = await InProcessServer.StartAsync(
            options => options with { RetentionDays = 30 },
            builder => builder.Services.AddSingleton<TimeProvider>(clock));
        var token = await RegisterAsync(server, "ann");
        await using var ann = await HubProbe.ConnectAsync(server.Client, token);
        await ann.CallAsync(HubMethods.Sync, new { });
        var keeps = (string)(await ann.CallAsync(HubMethods.CreateRoom, new { name = "keeps" }))!["id"]!;
        var forgets = (string)(await ann.CallAsync(HubMethods.CreateRoom, new { name = "forgets" }))!["id"]!;
        var changed = await ann.CallAsync(HubMethods.UpdateRoom, new { room = forgets, retentionDays = 7 });
        Assert.Equal(7, (int)changed!["retentionDays"]!);
        foreach (var room in new[] { keeps, forgets })
        {
            await ann.CallAsync(HubMethods.Send, new { room, clientId = "old", body = "old" });
        }

        clock.Advance(TimeSpan.FromDays(8));
        await ann.CallAsync(HubMethods.Send, new { room = forgets, clientId = "new", body = "new" });
        await server.Services.GetServices<IHostedService>().OfType<Housekeeping>().Single().CleanAsync(CancellationToken.None);

        Assert.Equal(["old"], await BodiesAsync(ann, keeps));
        Assert.Equal(["new"], await BodiesAsync(ann, forgets));
        var repeat = await ann.CallAsync(HubMethods.Send, new { room = forgets, clientId = "old", body = "old" });
        Assert.Equal(1, (long)repeat!["seq"]!);
        Assert.Equal(["new"], await BodiesAsync(ann, forgets));
    }

    [Fact]
    public async Task What_retention_removed_is_not_served_from_memory_either()
    {
        var clock = new ShiftedTime();
        await using var server = await InProcessServer.StartAsync(
            options => options with { RetentionDays = 1 },
            builder => builder.Services.AddSingleton<TimeProvider>(clock));
        var token = await RegisterAsync(server, "ann");
        await using var ann = await HubProbe.ConnectAsync(server.Client, token);
        var room = (string)(await ann.CallAsync(HubMethods.CreateRoom, new { name = "forgets" }))!["id"]!;
        for (var i = 0; i < 5; i++)
        {
            await ann.CallAsync(HubMethods.Send, new { room, clientId = $"old {i}", body = "old" });
        }

        clock.Advance(TimeSpan.FromDays(2));
        await ann.CallAsync(HubMethods.Send, new { room, clientId = "new", body = "new" });

        // A send is answered just before it is told to those who follow the room, and a subscription begins with what was told.
        await Eventually.Holds(async () => (await ann.CallAsync(HubMethods.Subscribe, new { room, afterRev = 0 }))!["messages"]!.AsArray().Count == 6);
        await server.Services.GetServices<IHostedService>().OfType<Housekeeping>().Single().CleanAsync(CancellationToken.None);

        foreach (var afterRev in new[] { 0, 3, 4 })
        {
            var resumed = (await ann.CallAsync(HubMethods.Subscribe, new { room, afterRev }))!;
            Assert.True((bool)resumed["reset"]!);
            Assert.Equal(["new"], resumed["messages"]!.AsArray().Select(message => (string)message!["body"]!));
        }

        var seen = (await ann.CallAsync(HubMethods.Subscribe, new { room, afterRev = 5 }))!;
        Assert.Equal((false, 1), ((bool)seen["reset"]!, seen["messages"]!.AsArray().Count));
        var synced = (await ann.CallAsync(HubMethods.Sync, new { revs = new Dictionary<string, long> { [room] = 0 } }))!["rooms"]![0]!;
        Assert.True((bool)synced["reset"]!);
        Assert.Single(synced["messages"]!.AsArray());
    }

    [Fact]
    public async Task Nothing_is_removed_by_what_the_registry_said_when_a_leader_was_last_reached()
    {
        var clock = new ShiftedTime();
        await using var server = await InProcessServer.StartAsync(
            options => options with { RetentionDays = 1 },
            builder => builder.Services.AddSingleton<TimeProvider>(clock));
        await using var ann = await HubProbe.ConnectAsync(server.Client, await RegisterAsync(server, "ann"));
        var room = (string)(await ann.CallAsync(HubMethods.CreateRoom, new { name = "forgets" }))!["id"]!;
        await ann.CallAsync(HubMethods.Send, new { room, clientId = "old", body = "old" });
        clock.Advance(TimeSpan.FromDays(2));

        var membership = new Membership();
        using var housekeeping = ActivatorUtilities.CreateInstance<Housekeeping>(server.Services, membership);
        await housekeeping.CleanAsync(CancellationToken.None);
        Assert.Equal(["old"], await BodiesAsync(ann, room));
        membership.ReachesLeader = true;
        await housekeeping.CleanAsync(CancellationToken.None);
        Assert.Empty(await BodiesAsync(ann, room));
    }

    [Fact]
    public async Task It_goes_by_what_is_known_before_each_step_not_by_what_was_when_it_began()
    {
        await using var server = await InProcessServer.StartAsync(adjust: FaultyMessageStore.Wrap);
        await using var ann = await HubProbe.ConnectAsync(server.Client, await RegisterAsync(server, "ann"));
        var room = (string)(await ann.CallAsync(HubMethods.CreateRoom, new { name = "forgets" }))!["id"]!;
        await ann.CallAsync(HubMethods.UpdateRoom, new { room, retentionDays = 1 });
        var steps = 0;
        ((FaultyMessageStore)server.Services.GetRequiredService<IMessageStore>()).Retains = async () =>
        {
            if (++steps == 3)
            {
                await ann.CallAsync(HubMethods.UpdateRoom, new { room, retentionDays = 0 }); // By mistake, that was.
            }

            return steps < 100;
        };

        await server.Services.GetServices<IHostedService>().OfType<Housekeeping>().Single().CleanAsync(CancellationToken.None).Within();
        Assert.Equal(3, steps);
    }

    private static async Task<string[]> BodiesAsync(HubProbe probe, string room)
    {
        var page = await probe.CallAsync(HubMethods.History, new { room });
        return [.. page!["messages"]!.AsArray().Select(message => (string)message!["body"]!)];
    }

    private static async Task<string> RegisterAsync(InProcessServer server, string user)
    {
        using var http = server.CreateHttpClient();
        using var answer = await http.PostAsync("/api/register", JsonBody.Of(new { user, password = "correct horse" }));
        answer.EnsureSuccessStatusCode();
        return (string)System.Text.Json.Nodes.JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["accessToken"]!;
    }

    private sealed class Membership : IClusterMembership
    {
        public event Action? LeaderReached
        {
            add { }
            remove { }
        }

        public bool HearsCoordinator => true;

        public bool ReachesLeader { get; set; }

        public Task JoinAsync(WorkerApplication application, CancellationToken cancellation) => throw new NotSupportedException();

        public Task SearchAsync() => throw new NotSupportedException();

        public void Report(WorkerReport report) => throw new NotSupportedException();

        public Task<ClusterStatus?> LookAsync(CancellationToken cancellation) => throw new NotSupportedException();

        public Task<EtcdMemberAnswer?> AskMembersAsync(EtcdMemberRequest request, CancellationToken cancellation) => throw new NotSupportedException();

        public void Leave() => throw new NotSupportedException();
    }

    private static class JsonBody
    {
        public static StringContent Of(object value) =>
            new StringContent(System.Text.Json.JsonSerializer.Serialize(value), System.Text.Encoding.UTF8, "application/json");
    }
}
