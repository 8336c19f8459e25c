using System.Net;
using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Protocol;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Standby;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Nodes;
using DChat.Server.Tests.Http;
using DChat.Server.Tests.Nodes;
using DChat.Server.Tests.Security;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using static DChat.Server.Tests.Http.ApiClient;

namespace DChat.Server.Tests.Coordinator;

/// <summary>Nodes whose clocks are not the leader's.</summary>
public sealed class CommandClocksTests
{
    private const long Minute = 60_000;
    private const long Hour = 60 * Minute;
    private const long Day = 24 * Hour;

    private static long Now => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    [Theory]
    [InlineData(NodeServices.Registry, RegistryMethods.Submit)]
    [InlineData(NodeServices.Standby, StandbyMethods.Submit)]
    public async Task A_command_by_a_clock_that_is_off_is_refused_and_the_leader_says_whose_it_is_once(string service, byte submit)
    {
        await using var trio = await CoordinatorTrio.StartAsync();
        var leader = await trio.LeaderAsync();
        await using var link = await LinkAsync(leader, service);
        async Task<Outcome> TellAsync(string name, long at) => await SubmitAsync(link, RegistryBench.Account(name) with { At = at }, submit);

        foreach (var (i, minutes) in new[] { -9, 9 }.Index())
        {
            Assert.True((await TellAsync($"right{i}", Now + minutes * Minute)).IsOk);
        }

        foreach (var at in new[] { Now - 11 * Minute, Now + 11 * Minute, long.MinValue, long.MaxValue })
        {
            var refused = await TellAsync("wrong", at);
            Assert.Equal(RefusalCodes.Unavailable, refused.Error);
            Assert.Contains(at < Now ? "behind the leader's" : "ahead of the leader's", refused.Text, StringComparison.Ordinal);
        }

        Assert.Null(State(leader).FindAccount("wrong"));
        var self = leader.Services.GetRequiredService<NodeSelf>();
        var whose = service == NodeServices.Registry ? $"worker {self.Node} at {self.Address}" : $"standby at {self.Address}, or of a worker whose commands it passes on,";
        var said = Assert.Single(leader.Log.Lines, line => line.Contains("the clock of the", StringComparison.Ordinal));
        Assert.Contains($"the clock of the {whose} is 11.0 min behind this leader's", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_standby_is_sent_is_looked_at_by_the_leader()
    {
        await using var trio = await CoordinatorTrio.StartAsync();
        var leader = await trio.LeaderAsync();
        var standby = trio.Nodes.Find(node => node != leader)!;
        await using var link = await LinkAsync(standby, NodeServices.Registry);

        Assert.Equal(RefusalCodes.Unavailable, (await SubmitAsync(link, RegistryBench.Account("wrong") with { At = Now + Day })).Error);
        Assert.True((await SubmitAsync(link, RegistryBench.Account("right") with { At = Now })).IsOk);
        Assert.Contains(leader.Log.Lines, line => line.Contains($"the clock of the standby at {CoordinatorTrio.Address(standby)}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task By_the_clock_of_a_worker_no_ended_session_is_forgotten_and_no_repeat_decided_anew()
    {
        await using var trio = await CoordinatorTrio.StartAsync();
        var leader = await trio.LeaderAsync();
        await using var link = await LinkAsync(leader, NodeServices.Registry);
        Command Ended(string session, long at) => new EndSession($"end-{session}", "ann", at, "ann", session, at + 14 * Day);
        Command Room(string id, long at) => new CreateRoom("made once", "ann", at, id, "here", null, RoomVisibility.Private, null, "");
        Assert.True((await SubmitAsync(link, RegistryBench.Account("ann") with { At = Now })).IsOk);
        Assert.True((await SubmitAsync(link, Ended("s1", Now))).IsOk);
        Assert.True((await SubmitAsync(link, Room("r1", Now))).IsOk);

        await SubmitAsync(link, Ended("s2", Now + 15 * Day));
        await SubmitAsync(link, Room("r2", Now + 25 * Hour));

        Assert.True(State(leader).IsSessionEnded("s1"));
        Assert.Null(State(leader).FindRoom("r2"));
        Assert.Equal("r1", (await SubmitAsync(link, Room("r3", Now))).Result);
    }

    [Fact]
    public async Task Who_signs_out_at_a_worker_whose_clock_is_off_is_told_so()
    {
        var secret = Convert.ToBase64String(new byte[ClusterSecret.Size]);
        await using var coordinator = await InProcessServer.StartAsync(options => options with { Mode = ServerMode.Coordinator, NodePort = FreePort.Next(), ClusterSecret = secret });
        var clock = new ShiftedTime();
        await using var worker = await InProcessServer.StartAsync(
            options => options with { Mode = ServerMode.Worker, NodePort = FreePort.Next(), ClusterSecret = secret, Coordinators = coordinator.Node.Authority },
            builder => builder.Services.Replace(ServiceDescriptor.Singleton<TimeProvider>(clock)));
        using var api = new ApiClient(worker);
        await api.RegisterAsync("ann");
        await NoContentAsync(await api.PostAsync("/api/logout", token: (await api.LoginAsync("ann")).AccessToken));

        clock.Advance(TimeSpan.FromDays(15));
        var late = await api.LoginAsync("ann");
        var problem = await RefusedAsync(await api.PostAsync("/api/logout", token: late.AccessToken), HttpStatusCode.ServiceUnavailable, ErrorCodes.Unavailable);
        Assert.Contains("clock is 15.0 days ahead of the leader's", problem.Detail, StringComparison.Ordinal);

        clock.Advance(TimeSpan.FromDays(-15));
        await NoContentAsync(await api.PostAsync("/api/logout", token: late.AccessToken));
    }

    [Fact]
    public async Task A_leader_whose_clock_is_off_resigns_and_another_takes_what_it_refused()
    {
        await using var trio = await CoordinatorTrio.StartAsync();
        var first = await trio.LeaderAsync();
        first.Log.ExpectErrors("This coordinator resigns, its clock is wrong: it is 15.0 days ahead of those of most coordinators");

        trio.Clocks[trio.Nodes.IndexOf(first)].Advance(TimeSpan.FromDays(15));

        await Eventually.Holds(() => trio.Nodes.Exists(node => node != first && CoordinatorTrio.Service(node).IsLeader));
        Assert.NotEqual(first, await trio.LeaderAsync());
        await using var link = await LinkAsync(first, NodeServices.Registry);
        await Eventually.Holds(async () => (await SubmitAsync(link, RegistryBench.Account("ann") with { At = Now })).IsOk);
        Assert.Contains(first.Log.Lines, line => line.Contains("its clock is wrong", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(null, 0, 0)]
    [InlineData(null, 9, 9)]
    [InlineData(null, 60)] // Either may be right.
    [InlineData(null, 60, 0)]
    [InlineData(null, 60, -60)]
    [InlineData(null, 60, 75)]
    [InlineData(-60, 60, 60)]
    [InlineData(60, -60, -55)]
    [InlineData(null, 60, 60, 0, 0)]
    [InlineData(-60, 60, 60, 60, 0)]
    public async Task A_leader_is_wrong_where_most_others_agree_that_it_is(int? aheadMinutes, params int[] standbyMinutes)
    {
        var time = new ShiftedTime(stands: true);
        var watch = new StandbyWatch(time);
        foreach (var (i, minutes) in standbyMinutes.Index())
        {
            await using var link = new NodeLink(LinkPair.Hello($"c{i}"), Stream.Null, new Nobody(), time);
            watch.Reported(link, index: 1, workers: 0, clockMs: time.GetUtcNow().ToUnixTimeMilliseconds() + minutes * Minute);
        }

        await using var older = new NodeLink(LinkPair.Hello("older"), Stream.Null, new Nobody(), time);
        watch.Reported(older, index: 1, workers: 0, clockMs: null);
        Assert.Equal(aheadMinutes * (double)Minute, watch.AheadOfMostMs);
    }

    private static RegistryState State(InProcessServer node) => node.Services.GetRequiredService<RegistryReplica>().State;

    private static Task<NodeLink> LinkAsync(InProcessServer node, string service) =>
        node.Services.GetRequiredService<NodeDialer>().ConnectAsync(CoordinatorTrio.Address(node), service, null, _ => new Nobody(), CancellationToken.None).Within();

    private static async Task<Outcome> SubmitAsync(NodeLink link, Command command, byte submit = RegistryMethods.Submit) =>
        CommandAnswer.Decode(await link.CallAsync(submit, CommandCodec.Encode(command), Eventually.DefaultLimit, CancellationToken.None)).Outcome;
}
