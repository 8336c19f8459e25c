using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Server.Coordinator;
using DChat.TestKit;

namespace DChat.Server.Tests.Coordinator;

public sealed class RegistryLeaderTests
{
    private static readonly string[] TwoHundred = [.. Enumerable.Range(1, 200).Select(i => $"user{i:000}")];

    [Fact]
    public async Task An_answer_means_committed_and_applied()
    {
        await using var bench = await new RegistryBench().LeadAsync();

        var result = await bench.SubmitAsync(RegistryBench.Account("ann"));

        Assert.True(result.Outcome.IsOk);
        Assert.Equal("ann", result.Outcome.Result);
        Assert.Equal(1, result.Index);
        Assert.Equal(1, bench.Replica.Index);
        Assert.NotNull(bench.Replica.State.FindAccount("ann"));
        RegistryBench.AssertSame(await RegistryBench.ReplayAsync(bench.Log), bench.Replica.State);
    }

    [Fact]
    public async Task Nothing_is_answered_or_shown_before_its_entry_is_committed()
    {
        await using var bench = await new RegistryBench().LeadAsync();
        var gate = new TaskCompletionSource();
        bench.Log.Gate = gate.Task;

        var answer = bench.SubmitAsync(RegistryBench.Account("ann"));
        await Eventually.Holds(() => bench.Log.Waiting == 1);

        Assert.False(answer.IsCompleted);
        Assert.Null(bench.Replica.State.FindAccount("ann"));
        gate.SetResult();
        Assert.True((await answer).Outcome.IsOk);
    }

    [Fact]
    public async Task Whatever_waits_while_one_entry_commits_becomes_one_entry()
    {
        await using var bench = await new RegistryBench().LeadAsync();
        var gate = new TaskCompletionSource();
        bench.Log.Gate = gate.Task;
        var first = bench.SubmitAsync(RegistryBench.Account("first"));
        await Eventually.Holds(() => bench.Log.Waiting == 1);

        var others = TwoHundred.Select(name => bench.SubmitAsync(RegistryBench.Account(name))).ToList();
        Assert.Equal(200, bench.Leader.Queued);
        gate.SetResult();

        Assert.Equal(1, (await first).Index);
        Assert.All(await Task.WhenAll(others), result => Assert.Equal(2, result.Index));
        Assert.Equal([1L, 2], bench.Log.Attempts);
        RegistryBench.AssertSame(await RegistryBench.ReplayAsync(bench.Log), bench.Replica.State);
    }

    [Fact]
    public async Task What_does_not_fit_into_one_entry_becomes_several_in_order()
    {
        await using var bench = await new RegistryBench().LeadAsync();
        var gate = new TaskCompletionSource();
        bench.Log.Gate = gate.Task;
        var first = bench.SubmitAsync(RegistryBench.Account("first"));
        await Eventually.Holds(() => bench.Log.Waiting == 1);

        // 10 bulk commands of about 90 KB each.
        var bulk = Enumerable.Range(0, 10).Select(i => bench.SubmitAsync(
            new CreateAccounts("", "", 1_000, [.. Enumerable.Range(0, 3_000).Select(n => $"bulk-{i}-{n:000000}-0123456789")]))).ToList();
        gate.SetResult();

        Assert.True((await first).Outcome.IsOk);
        var indexes = (await Task.WhenAll(bulk)).Select(result => result.Index).ToList();
        Assert.Equal(indexes.Order(), indexes);
        Assert.True(indexes[^1] is > 2 and < 11, $"{indexes[^1]} entries");
        Assert.Equal(30_001, bench.Replica.State.AccountCount);
        RegistryBench.AssertSame(await RegistryBench.ReplayAsync(bench.Log), bench.Replica.State);
    }

    [Fact]
    public async Task Commands_of_one_batch_are_decided_one_upon_the_other()
    {
        await using var bench = await new RegistryBench().LeadAsync();
        var gate = new TaskCompletionSource();
        bench.Log.Gate = gate.Task;

        var answers = Enumerable.Range(0, 10).Select(_ => bench.SubmitAsync(RegistryBench.Account("ann"))).ToList();
        gate.SetResult();

        var results = await Task.WhenAll(answers);
        Assert.True(results[0].Outcome.IsOk);
        Assert.All(results[1..], result => Assert.Equal(RefusalCodes.UserTaken, result.Outcome.Error));
        Assert.Equal(1, bench.Replica.State.AccountCount);
    }

    [Fact]
    public async Task A_refusal_waits_for_what_it_was_decided_upon()
    {
        await using var bench = await new RegistryBench().LeadAsync();
        var gate = new TaskCompletionSource();
        bench.Log.Gate = gate.Task;
        var warmup = bench.SubmitAsync(RegistryBench.Account("first"));
        await Eventually.Holds(() => bench.Log.Waiting == 1);
        var made = bench.SubmitAsync(RegistryBench.Account("ann"));
        var refused = bench.SubmitAsync(RegistryBench.Account("ann"));
        var second = new TaskCompletionSource();
        bench.Log.Gate = second.Task;
        gate.SetResult();
        await warmup;
        await Eventually.Holds(() => bench.Log.Waiting == 1);

        Assert.False(refused.IsCompleted);
        second.SetResult();

        Assert.Equal(2, (await made).Index);
        Assert.Equal(2, (await refused).Index);
        Assert.Equal(RefusalCodes.UserTaken, (await refused).Outcome.Error);
    }

    [Fact]
    public async Task A_refusal_upon_the_committed_state_is_answered_at_once_and_appends_nothing()
    {
        await using var bench = await new RegistryBench().LeadAsync();
        await bench.SubmitAsync(RegistryBench.Account("ann"));

        var refused = await bench.SubmitAsync(RegistryBench.Account("ann"));

        Assert.Equal(RefusalCodes.UserTaken, refused.Outcome.Error);
        Assert.Equal(1, refused.Index);
        Assert.Equal([1L], bench.Log.Attempts);
    }

    [Fact]
    public async Task A_repeated_command_gets_the_first_outcome_and_changes_nothing()
    {
        await using var bench = await new RegistryBench().LeadAsync();
        var gate = new TaskCompletionSource();
        bench.Log.Gate = gate.Task;
        var answers = Enumerable.Range(0, 3).Select(_ => bench.SubmitAsync(RegistryBench.Account("ann", "once"))).ToList();
        gate.SetResult();

        Assert.All(await Task.WhenAll(answers), result => Assert.True(result.Outcome.IsOk));
        Assert.True((await bench.SubmitAsync(RegistryBench.Account("ann", "once"))).Outcome.IsOk);
        Assert.Equal(1, bench.Replica.State.AccountCount);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_append_of_unknown_outcome_is_repeated_identically_until_it_is_known(bool committed)
    {
        await using var bench = await new RegistryBench().LeadAsync();
        var faults = new Queue<AppendFault>(Enumerable.Repeat(committed ? AppendFault.LostAfter : AppendFault.LostBefore, 3));
        bench.Log.NextFault = () => faults.TryDequeue(out var fault) ? fault : AppendFault.None;

        var result = await bench.SubmitAsync(RegistryBench.Account("ann"));

        Assert.True(result.Outcome.IsOk);
        Assert.Equal([1L, 1, 1, 1], bench.Log.Attempts);
        Assert.Equal(1, bench.Replica.State.AccountCount);
        RegistryBench.AssertSame(await RegistryBench.ReplayAsync(bench.Log), bench.Replica.State);
    }

    [Fact]
    public async Task A_term_lost_in_the_middle_discards_the_head_and_answers_unavailable()
    {
        await using var bench = await new RegistryBench().LeadAsync();
        await bench.SubmitAsync(RegistryBench.Account("before"));
        var gate = new TaskCompletionSource();
        bench.Log.Gate = gate.Task;
        var appending = bench.SubmitAsync(RegistryBench.Account("appending"));
        await Eventually.Holds(() => bench.Log.Waiting == 1);
        var waiting = bench.SubmitAsync(RegistryBench.Account("waiting"));

        bench.Cluster.Depose();

        Assert.Equal(RefusalCodes.Unavailable, (await appending).Outcome.Error);
        Assert.Equal(RefusalCodes.Unavailable, (await waiting).Outcome.Error);
        Assert.Equal(TermEnd.Lost, await bench.Run.Within());
        Assert.Equal(RefusalCodes.Unavailable, (await bench.SubmitAsync(RegistryBench.Account("after"))).Outcome.Error);
        Assert.Equal(1, bench.Replica.State.AccountCount);
        RegistryBench.AssertSame(await RegistryBench.ReplayAsync(bench.Log), bench.Replica.State);
    }

    [Theory]
    [InlineData("ann", 2)]
    [InlineData("bob", 1)]
    public async Task Who_does_not_know_that_its_term_is_over_answers_nothing_and_learns_it(string name, int appends)
    {
        await using var bench = await new RegistryBench().LeadAsync(isUnaware: true);
        await bench.SubmitAsync(RegistryBench.Account("bob"));
        bench.Cluster.Depose();

        // One would be an entry, the other a refusal without one: another leader may have closed that account meanwhile.
        var result = await bench.SubmitAsync(RegistryBench.Account(name));

        Assert.Equal(RefusalCodes.Unavailable, result.Outcome.Error);
        Assert.Equal(appends, bench.Log.Attempts.Count);
        Assert.Equal(TermEnd.Lost, await bench.Run.Within());
        Assert.Equal(1, bench.Replica.Index);
        Assert.Equal(1, (await bench.Log.ReadBoundsAsync(CancellationToken.None)).Last);
    }

    [Fact]
    public async Task While_the_log_is_away_commands_are_answered_unavailable_in_time()
    {
        await using var bench = await new RegistryBench(new CoordinatorOptions { CommandTimeout = TimeSpan.FromSeconds(2) }).LeadAsync();
        var gate = new TaskCompletionSource();
        bench.Log.Gate = gate.Task;

        var decided = bench.SubmitAsync(RegistryBench.Account("decided"));
        await Eventually.Holds(() => bench.Log.Waiting == 1);
        var queued = bench.SubmitAsync(RegistryBench.Account("queued"));

        Assert.Equal(RefusalCodes.Unavailable, (await decided).Outcome.Error);
        Assert.Equal(RefusalCodes.Unavailable, (await queued).Outcome.Error);
        gate.SetResult();
        await Eventually.Holds(async () => (await bench.SubmitAsync(RegistryBench.Account("later", "later"))).Outcome.IsOk);
        Assert.NotNull(bench.Replica.State.FindAccount("decided"));
        Assert.Null(bench.Replica.State.FindAccount("queued"));
    }

    [Fact]
    public async Task A_full_queue_answers_unavailable()
    {
        await using var bench = await new RegistryBench(RegistryBench.Patient with { QueueMax = 5 }).LeadAsync();
        var gate = new TaskCompletionSource();
        bench.Log.Gate = gate.Task;
        var first = bench.SubmitAsync(RegistryBench.Account("first"));
        await Eventually.Holds(() => bench.Log.Waiting == 1);

        var answers = TwoHundred[..8].Select(name => bench.SubmitAsync(RegistryBench.Account(name))).ToList();
        gate.SetResult();

        await first;
        var results = await Task.WhenAll(answers);
        Assert.Equal(5, results.Count(result => result.Outcome.IsOk));
        Assert.Equal(3, results.Count(result => result.Outcome.Error == RefusalCodes.Unavailable));
    }

    [Fact]
    public async Task A_clean_stop_answers_everything_that_waits()
    {
        await using var bench = await new RegistryBench().LeadAsync();
        var gate = new TaskCompletionSource();
        bench.Log.Gate = gate.Task;
        var answers = TwoHundred.Select(name => bench.SubmitAsync(RegistryBench.Account(name))).ToList();
        await Eventually.Holds(() => bench.Log.Waiting == 1);

        await bench.StopAsync();
        gate.SetResult();

        Assert.All(await Task.WhenAll(answers), result => Assert.True(result.Outcome.IsOk));
        Assert.Equal(TermEnd.Stopped, await bench.Run.Within());
    }

    [Fact]
    public async Task A_command_that_nobody_waits_for_is_not_decided()
    {
        await using var bench = await new RegistryBench().LeadAsync();
        var gate = new TaskCompletionSource();
        bench.Log.Gate = gate.Task;
        var first = bench.SubmitAsync(RegistryBench.Account("first"));
        await Eventually.Holds(() => bench.Log.Waiting == 1);
        using var impatient = new CancellationTokenSource();
        var givenUp = bench.Leader.SubmitAsync(RegistryBench.Account("ann"), impatient.Token);

        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => givenUp.Within());
        gate.SetResult();
        await first;
        await bench.SubmitAsync(RegistryBench.Account("last"));

        Assert.Null(bench.Replica.State.FindAccount("ann"));
    }

    [Fact]
    public async Task A_command_that_cannot_be_decided_is_refused_and_the_next_one_goes_on()
    {
        await using var bench = await new RegistryBench().LeadAsync();

        var odd = await bench.SubmitAsync(new NobodysCommand());

        Assert.Equal(RefusalCodes.InvalidArgument, odd.Outcome.Error);
        Assert.True((await bench.SubmitAsync(RegistryBench.Account("ann"))).Outcome.IsOk);
    }

    [Fact]
    public async Task New_rooms_are_given_to_active_workers_evenly()
    {
        await using var bench = await new RegistryBench().LeadAsync();
        await bench.SubmitAsync(RegistryBench.Account("ann"));
        foreach (var worker in (string[])["w1", "w2"])
        {
            await bench.SubmitAsync(new RegisterWorker("", "", 1_000, worker, $"{worker}:1", worker, 1, [], WorkerState.Active));
        }

        await Task.WhenAll(Enumerable.Range(0, 10).Select(i =>
            bench.SubmitAsync(new CreateRoom("", "ann", 1_000, $"room{i}", $"Room {i}", null, RoomVisibility.Public, null, ""))));

        Assert.Equal([5, 5], bench.Replica.State.Workers().Select(worker => worker.RoomCount));
    }

    private sealed record NobodysCommand() : Command("", "", 1_000);

    [Fact]
    public async Task What_was_refused_is_not_carried_out_when_it_comes_by_another_way_though_it_would_be_allowed_by_then()
    {
        await using var bench = await new RegistryBench().LeadAsync();
        await bench.SubmitAsync(new RegisterWorker("", "", 1_000, "w1", "host:1", "i1", 1, [], WorkerState.Active));
        foreach (var user in new[] { "ann", "ben" })
        {
            Assert.True((await bench.SubmitAsync(RegistryBench.Account(user))).Outcome.IsOk);
        }

        Assert.True((await bench.SubmitAsync(new CreateRoom("make", "ann", 1_000, "room", "Room", null, RoomVisibility.Public, null, ""))).Outcome.IsOk);
        Assert.True((await bench.SubmitAsync(new JoinRoom("join", "ben", 1_000, "room"))).Outcome.IsOk);
        var topic = new UpdateRoom("update", "ben", 1_000, "room", Topic: "of ben");
        var refused = (await bench.SubmitAsync(topic)).Outcome;
        Assert.Equal(RefusalCodes.Forbidden, refused.Error);

        Assert.True((await bench.SubmitAsync(new SetRole("role", "ann", 1_000, "room", "ben", RoomRole.Moderator))).Outcome.IsOk);
        Assert.Equal(refused, (await bench.SubmitAsync(topic)).Outcome);
        Assert.NotEqual("of ben", bench.Replica.State.FindRoom("room")!.Topic);
        Assert.True((await bench.SubmitAsync(topic with { CommandId = "another" })).Outcome.IsOk);
    }

    [Fact]
    public async Task What_changed_nothing_changes_nothing_when_it_comes_by_another_way_though_it_would_by_then()
    {
        await using var bench = await new RegistryBench().LeadAsync();
        foreach (var user in new[] { "ann", "ben" })
        {
            Assert.True((await bench.SubmitAsync(RegistryBench.Account(user))).Outcome.IsOk);
        }

        Assert.True((await bench.SubmitAsync(new CreateRoom("make", "ann", 1_000, "room", "Room", null, RoomVisibility.Public, null, ""))).Outcome.IsOk);
        Assert.True((await bench.SubmitAsync(new JoinRoom("join", "ben", 1_000, "room"))).Outcome.IsOk);
        var again = new JoinRoom("again", "ben", 1_000, "room");
        var answer = (await bench.SubmitAsync(again)).Outcome;
        Assert.True(answer.IsOk);

        Assert.True((await bench.SubmitAsync(new Kick("kick", "ann", 1_000, "room", "ben"))).Outcome.IsOk);
        Assert.Equal(answer, (await bench.SubmitAsync(again)).Outcome);
        Assert.Null(bench.Replica.State.FindMembership("room", "ben"));
        Assert.True((await bench.SubmitAsync(again with { CommandId = "later" })).Outcome.IsOk);
        Assert.NotNull(bench.Replica.State.FindMembership("room", "ben"));
    }
}
