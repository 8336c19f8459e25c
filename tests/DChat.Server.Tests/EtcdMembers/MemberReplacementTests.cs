using DChat.Protocol;
using DChat.Server.EtcdMembers;
using DChat.Storage.Etcd;

namespace DChat.Server.Tests.EtcdMembers;

public sealed class MemberReplacementTests
{
    private static readonly PeerList Peers = PeerList.Parse("c1=10.0.0.1,c2=10.0.0.2,c3=10.0.0.3");

    [Fact]
    public void One_that_is_away_is_removed_and_another_one_expected()
    {
        var plan = Plan("c2=10.0.0.9", Voter("c1"), Voter("c2", isUp: false), Voter("c3"));
        Assert.Null(plan.Error);
        Assert.Equal(("c2", true), (plan.Remove!.Name, plan.Adds));
    }

    [Fact]
    public void One_whose_disk_is_lost_may_come_back_at_its_address() =>
        Assert.Equal("c2", Plan("c2=10.0.0.2", Voter("c1"), Voter("c2", isUp: false), Voter("c3")).Remove!.Name);

    [Fact]
    public void One_that_still_runs_is_thrown_out_by_force_only()
    {
        var refused = Plan("c2=10.0.0.9", Voter("c1"), Voter("c2"), Voter("c3"));
        Assert.Equal(ErrorCodes.Forbidden, refused.Error);
        Assert.Contains("--force", refused.Text, StringComparison.Ordinal);
        Assert.Equal("c2", Plan("c2=10.0.0.9", force: true, Voter("c1"), Voter("c2"), Voter("c3")).Remove!.Name);
    }

    [Fact]
    public void What_would_lose_the_majority_is_refused_with_force_too()
    {
        var refused = Plan("c2=10.0.0.9", force: true, Voter("c1"), Voter("c2"), Voter("c3", isUp: false));
        Assert.Equal(ErrorCodes.Forbidden, refused.Error);
        Assert.Contains("of 3 members 2 must be up, and without c2 1 is (c3 is not)", refused.Text, StringComparison.Ordinal);

        // A new one that has not come yet does not count.
        Assert.Equal(ErrorCodes.Forbidden, Plan("c2=10.0.0.9", force: true, Voter("c1"), Voter("c2"), Expected("10.0.0.8")).Error);
        Assert.Equal(ErrorCodes.Forbidden, Plan("c2=10.0.0.9", Voter("c1"), Voter("c2", isUp: false)).Error);
    }

    [Fact]
    public void A_repeat_finds_it_done_or_goes_on_in_the_middle()
    {
        var done = Plan("c2=10.0.0.9", Voter("c1"), Expected("10.0.0.9"), Voter("c3"));
        Assert.Equal((null, false), (done.Error, done.Adds));
        var half = Plan("c2=10.0.0.9", Voter("c1"), Voter("c3"));
        Assert.Equal((null, null, true), (half.Error, half.Remove, half.Adds));
    }

    [Fact]
    public void A_founder_that_lost_its_disk_before_it_ever_ran_is_replaced_too()
    {
        var plan = Plan("c3=10.0.0.3", Voter("c1"), Voter("c2"), Founder("c3"));
        Assert.Equal((null, "c3", true), (plan.Error, plan.Remove?.Name, plan.Adds));
    }

    [Fact]
    public void One_that_was_removed_and_not_added_is_missing()
    {
        Assert.Equal(["c2"], MemberReplacement.Missing(Peers, [Voter("c1"), Voter("c3")]).Select(peer => peer.Name));
        Assert.Empty(MemberReplacement.Missing(Peers, [Voter("c1"), Expected("10.0.0.9"), Voter("c3")]));
        Assert.Empty(MemberReplacement.Missing(Peers, [Expected("10.0.0.8"), Expected("10.0.0.9"), Voter("c3")]));
    }

    [Fact]
    public void An_address_that_was_mistaken_is_corrected()
    {
        var plan = Plan("c2=10.0.0.9", Voter("c1"), Expected("10.0.0.8"), Voter("c3"));
        Assert.Equal((null, "https://10.0.0.8:2380"), (plan.Error, plan.Remove!.PeerUrls[0]));
    }

    [Fact]
    public void Names_and_addresses_are_checked()
    {
        Assert.Equal(ErrorCodes.NotFound, Plan("c9=10.0.0.9", Voter("c1"), Voter("c2"), Voter("c3")).Error);
        Assert.Contains("c3 is at 10.0.0.3:2380 already", Plan("c2=10.0.0.3", Voter("c1"), Voter("c2", isUp: false), Voter("c3")).Text, StringComparison.Ordinal);
        Assert.Contains("another one leads then", Plan("c1=10.0.0.9", force: true, Voter("c1"), Voter("c2"), Voter("c3")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void One_that_does_not_lead_is_not_said_to()
    {
        var refused = MemberReplacement.Plan(Peers, self: null, [Voter("c1"), Voter("c2"), Voter("c3")], PeerList.ParseOne("c1=10.0.0.9"), force: false);
        Assert.Contains("c1 still runs", refused.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void One_alone_as_after_a_restore_gets_the_others_one_by_one_and_waits_for_none()
    {
        Assert.Equal(new ReplacementPlan(true, Learns: true), Plan("c2=10.0.0.2", Voter("c1")));
        Assert.Equal(ReplacementPlan.Done, Plan("c2=10.0.0.2", Voter("c1"), Learner("10.0.0.2")));
        Assert.Equal(new ReplacementPlan(true), Plan("c3=10.0.0.3", Voter("c1"), Voter("c2")));
    }

    [Fact]
    public void An_address_that_was_mistaken_for_the_second_is_corrected_and_the_third_waits_for_it()
    {
        var mistaken = Learner("10.0.0.99");
        var plan = Plan("c2=10.0.0.2", Voter("c1"), mistaken);
        Assert.Equal(new ReplacementPlan(true, mistaken.Voter, Learns: true), plan);

        var second = Learner("10.0.0.2");
        var third = Plan("c3=10.0.0.3", Voter("c1"), second);
        Assert.Equal(ErrorCodes.Forbidden, third.Error);
        Assert.Contains("c2 is expected at https://10.0.0.2:2380 and comes first", third.Text, StringComparison.Ordinal);

        // It runs, and is about to vote.
        var running = new SeenVoter(Voter("c2").Voter with { Learns = true }, IsUp: true);
        Assert.Contains("--force", Plan("c2=10.0.0.9", Voter("c1"), running).Text, StringComparison.Ordinal);
        Assert.Equal(new ReplacementPlan(true, running.Voter, Learns: true), Plan("c2=10.0.0.9", force: true, Voter("c1"), running));
    }

    [Fact]
    public void One_voter_of_two_that_has_yet_to_come_is_not_touched() =>
        Assert.Equal(ErrorCodes.Forbidden, Plan("c3=10.0.0.3", Voter("c1"), Expected("10.0.0.2")).Error);

    [Fact]
    public void Of_two_that_are_expected_none_is_guessed()
    {
        var five = PeerList.Parse("c1=10.0.0.1,c2=10.0.0.2,c3=10.0.0.3,c4=10.0.0.4,c5=10.0.0.5");
        SeenVoter[] voters = [Voter("c1"), Expected("10.0.0.8"), Expected("10.0.0.9"), Voter("c4"), Voter("c5")];
        Assert.Equal(ErrorCodes.InvalidArgument, MemberReplacement.Plan(five, five.All[0], voters, PeerList.ParseOne("c2=10.0.0.7"), force: false).Error);
    }

    private static ReplacementPlan Plan(string replacement, params SeenVoter[] voters) => Plan(replacement, force: false, voters);

    private static ReplacementPlan Plan(string replacement, bool force, params SeenVoter[] voters) =>
        MemberReplacement.Plan(Peers, Peers.All[0], voters, PeerList.ParseOne(replacement), force);

    private static SeenVoter Voter(string name, bool isUp = true) => new(new EtcdVoter(name[1], name, [$"https://10.0.0.{name[1]}:2380"], HasRun: true, Leads: false), isUp);

    private static SeenVoter Founder(string name) => new(Voter(name).Voter with { HasRun = false }, IsUp: false);

    private static SeenVoter Learner(string host) => new(Expected(host).Voter with { Learns = true }, IsUp: false);

    private static SeenVoter Expected(string host) => new(new EtcdVoter((ulong)host[^1] + 100, "", [$"https://{host}:2380"], HasRun: false, Leads: false), IsUp: false);
}
