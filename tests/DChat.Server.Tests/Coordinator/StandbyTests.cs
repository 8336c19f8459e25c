using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Standby;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Nodes;
using DChat.Server.Tests.Nodes;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace DChat.Server.Tests.Coordinator;

/// <summary>What a coordinator does that does not lead, and what becomes of links when it changes who does.</summary>
public sealed class StandbyTests
{
    [Fact]
    public async Task A_standby_passes_commands_on_and_has_what_was_answered()
    {
        await using var trio = await CoordinatorTrio.StartAsync();
        var leader = await trio.LeaderAsync();
        foreach (var standby in trio.Nodes.Where(node => node != leader))
        {
            var name = $"by-{CoordinatorTrio.Address(standby).Split(':')[1]}";
            var result = await CoordinatorTrio.Service(standby).SubmitAsync(Account(name), CancellationToken.None).Within();
            Assert.True(result.Outcome.IsOk);

            var replica = standby.Services.GetRequiredService<RegistryReplica>();
            Assert.True(await replica.WaitForAsync(result.Index, Eventually.DefaultLimit, CancellationToken.None));
            Assert.NotNull(replica.State.FindAccount(name));
            Assert.Equal(RefusalCodes.UserTaken, (await CoordinatorTrio.Service(standby).SubmitAsync(Account(name), CancellationToken.None).Within()).Outcome.Error);
        }
    }

    [Fact]
    public async Task What_was_passed_on_is_not_passed_on_again()
    {
        await using var trio = await CoordinatorTrio.StartAsync();
        var leader = await trio.LeaderAsync();
        var standby = trio.Nodes.Find(node => node != leader)!;

        var result = await CoordinatorTrio.Service(standby).DecideAsync(Account("ann"), CancellationToken.None).Within();

        Assert.Equal(RefusalCodes.Unavailable, result.Outcome.Error);
        Assert.Null(leader.Services.GetRequiredService<RegistryReplica>().State.FindAccount("ann"));
        var dialer = leader.Services.GetRequiredService<NodeDialer>();
        var refused = await Assert.ThrowsAsync<NodeRefusedException>(() =>
            dialer.ConnectAsync(CoordinatorTrio.Address(standby), NodeServices.Standby, null, _ => new Nobody(), CancellationToken.None).Within());
        Assert.Contains("does not lead", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(NodeServices.Registry, RegistryMethods.Submit)]
    [InlineData(NodeServices.Standby, StandbyMethods.Submit)]
    public async Task A_command_of_a_newer_node_is_refused_alone_and_its_link_goes_on(string service, byte submit)
    {
        await using var trio = await CoordinatorTrio.StartAsync();
        var leader = await trio.LeaderAsync();
        var dialer = leader.Services.GetRequiredService<NodeDialer>();
        await using var link = await dialer.ConnectAsync(CoordinatorTrio.Address(leader), service, null, _ => new Nobody(), CancellationToken.None).Within();

        var refused = await Assert.ThrowsAsync<NodeLinkException>(() => link.CallAsync(submit, """{"$c":"flyToTheMoon","actor":"ann"}"""u8.ToArray(), Eventually.DefaultLimit, CancellationToken.None));

        Assert.Contains("not a command that this program knows", refused.Message, StringComparison.Ordinal);
        var known = await link.CallAsync(submit, CommandCodec.Encode(Account("ann")), Eventually.DefaultLimit, CancellationToken.None);
        Assert.True(CommandAnswer.Decode(known).Outcome.IsOk);
    }

    [Fact]
    public async Task The_links_of_workers_and_standbys_end_with_the_term()
    {
        await using var trio = await CoordinatorTrio.StartAsync();
        var leader = await trio.LeaderAsync();
        var dialer = leader.Services.GetRequiredService<NodeDialer>();
        await using var standby = await dialer.ConnectAsync(CoordinatorTrio.Address(leader), NodeServices.Standby, null, _ => new Nobody(), CancellationToken.None).Within();
        standby.Post(StandbyMethods.Report, new PayloadWriter().Number(0).Written);
        await using var worker = await dialer.ConnectAsync(CoordinatorTrio.Address(leader), NodeServices.Registry, null, _ => new Nobody(), CancellationToken.None).Within();
        await RegisterAsync(worker);

        trio.Log.Depose();

        await standby.Completion.Within();
        await worker.Completion.Within();
        await trio.LeaderAsync();
    }

    [Fact]
    public async Task A_coordinator_that_does_not_lead_admits_nobody()
    {
        await using var trio = await CoordinatorTrio.StartAsync();
        var leader = await trio.LeaderAsync();
        var standby = trio.Nodes.Find(node => node != leader)!;
        var dialer = leader.Services.GetRequiredService<NodeDialer>();
        await using var worker = await dialer.ConnectAsync(CoordinatorTrio.Address(standby), NodeServices.Registry, null, _ => new Nobody(), CancellationToken.None).Within();

        await Assert.ThrowsAsync<NodeLinkException>(() => RegisterAsync(worker));

        Assert.Empty(leader.Services.GetRequiredService<RegistryReplica>().State.Workers());
    }

    [Fact]
    public async Task The_leader_is_told_how_many_workers_follow_at_standbys()
    {
        await using var trio = await CoordinatorTrio.StartAsync();
        var leader = await trio.LeaderAsync();
        var watch = leader.Services.GetRequiredService<StandbyWatch>();
        Assert.Equal(0, watch.Workers);
        var dialer = leader.Services.GetRequiredService<NodeDialer>();
        foreach (var standby in trio.Nodes.Where(node => node != leader))
        {
            var before = watch.Workers;
            await using var worker = await dialer.ConnectAsync(CoordinatorTrio.Address(standby), NodeServices.Registry, null, _ => new Nobody(), CancellationToken.None).Within();
            await worker.CallAsync(RegistryMethods.Follow, new PayloadWriter().Number(1).WrittenMemory, Eventually.DefaultLimit, CancellationToken.None);
            await Eventually.Holds(() => watch.Workers == before + 1);
            await worker.DisposeAsync();
            await Eventually.Holds(() => watch.Workers == before);
        }
    }

    [Fact]
    public async Task What_a_former_leader_found_out_about_a_worker_is_not_passed_on_and_is_no_refusal()
    {
        await using var trio = await CoordinatorTrio.StartAsync();
        var leader = await trio.LeaderAsync();
        var standby = trio.Nodes.Find(node => node != leader)!;

        var admission = await standby.Services.GetRequiredService<WorkerAdmissions>()
            .AdmitAsync(LinkPair.Hello("w"), new WorkerApplication(1, [], null), WorkerState.Active, CancellationToken.None).Within();

        Assert.NotNull(admission.Error);
        Assert.True(admission.IsPassing);
        Assert.Empty(leader.Services.GetRequiredService<RegistryReplica>().State.Workers());
    }

    [Fact]
    public async Task Who_leads_again_knows_nothing_of_workers_from_its_terms_before()
    {
        await using var trio = await CoordinatorTrio.StartAsync();
        var first = await trio.LeaderAsync();
        var before = CoordinatorTrio.Service(first).Term;
        var dialer = first.Services.GetRequiredService<NodeDialer>();
        var watch = first.Services.GetRequiredService<WorkerWatch>();
        var id = first.Services.GetRequiredService<NodeSelf>().Node;
        await using var worker = await dialer.ConnectAsync(CoordinatorTrio.Address(first), NodeServices.Registry, null, _ => new Nobody(), CancellationToken.None).Within();
        await RegisterAsync(worker);
        Assert.NotNull(watch.Find(id));

        trio.Log.Depose();
        await worker.Completion.Within();
        var next = await trio.LeaderAsync();
        for (var terms = 0; next != first || CoordinatorTrio.Service(first).Term == before; terms++)
        {
            Assert.True(terms < 100, "it never leads again");
            next = await trio.NextLeaderAsync();
        }

        Assert.Null(watch.Find(id));
    }

    [Fact]
    public async Task A_process_that_is_a_worker_too_ends_where_another_leads()
    {
        await using var trio = await CoordinatorTrio.StartAsync(only: true);
        var node = trio.Nodes[0];
        node.Log.ExpectErrors("cannot stand by");
        var ended = new TaskCompletionSource();
        node.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.Register(ended.SetResult);

        await using var other = await trio.LeadFromElsewhereAsync($"127.0.0.1:{FreePort.Next()}");

        await ended.Task.Within();
        var refused = await Assert.ThrowsAsync<StartRefusedException>(() => CoordinatorTrio.Service(node).ExecuteTask!);
        Assert.Contains("cannot stand by", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whoever_follows_with_another_entry_is_told_so_and_one_that_is_ahead_of_a_standby_waits()
    {
        await using var trio = await CoordinatorTrio.StartAsync();
        var leader = await trio.LeaderAsync();
        var dialer = leader.Services.GetRequiredService<NodeDialer>();
        var last = (await CoordinatorTrio.Service(leader).SubmitAsync(Account("ann"), CancellationToken.None).Within()).Index;
        foreach (var node in trio.Nodes)
        {
            var replica = node.Services.GetRequiredService<RegistryReplica>();
            Assert.True(await replica.WaitForAsync(last, Eventually.DefaultLimit, CancellationToken.None));
            var mark = EntryMark.Of(replica.Last!.Entry);
            Assert.False(await DiffersAsync(node, last, mark));
            Assert.True(await DiffersAsync(node, last, EntryMark.Of(new RegistryEntry(RegistryEntryCodec.Version, 1, []))));
            Assert.False(await DiffersAsync(node, last + 5, mark)); // Not yet here: nobody knows.
        }

        async Task<bool> DiffersAsync(InProcessServer node, long index, byte[] mark)
        {
            await using var link = await dialer.ConnectAsync(CoordinatorTrio.Address(node), NodeServices.Registry, null, _ => new Nobody(), CancellationToken.None).Within();
            var asked = new PayloadWriter().Number(index + 1).Bytes(mark).WrittenMemory;
            var answer = new PayloadReader(await link.CallAsync(RegistryMethods.Follow, asked, Eventually.DefaultLimit, CancellationToken.None));
            Assert.Equal(last, answer.Number());
            return answer.Flag();
        }
    }

    [Fact]
    public async Task A_standby_that_hears_what_it_does_not_know_ends_with_a_failure()
    {
        await using var trio = await CoordinatorTrio.StartAsync();
        await trio.LeaderAsync();
        await using var newer = await trio.LeadFromElsewhereAsync($"127.0.0.1:{FreePort.Next()}");
        trio.Nodes.ForEach(node => node.Log.ExpectErrors("CoordinatorService|BackgroundService|Hosting"));

        await trio.AppendNewerAsync(newer);

        foreach (var node in trio.Nodes)
        {
            var stopping = node.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
            await Eventually.Holds(() => stopping.IsCancellationRequested);
            Assert.IsType<UnknownRegistryEventException>(node.Services.GetRequiredService<ServiceFailures>().First);
        }
    }

    /// <summary>Of now, as other nodes send it.</summary>
    private static Command Account(string name) => RegistryBench.Account(name) with { At = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() };

    private static async Task RegisterAsync(NodeLink link) =>
        await link.CallAsync(
            RegistryMethods.Register,
            System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(new WorkerApplication(1, [], null), WorkerJson.Default.WorkerApplication),
            Eventually.DefaultLimit,
            CancellationToken.None);
}
