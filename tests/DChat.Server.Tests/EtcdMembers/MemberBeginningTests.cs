using DChat.Server.EtcdMembers;
using DChat.TestKit;
using Xunit.Abstractions;

namespace DChat.Server.Tests.EtcdMembers;

public sealed class MemberBeginningTests(ITestOutputHelper output)
{
    private static readonly PeerList Peers = PeerList.Parse("c1=10.0.0.1,c2=10.0.0.2,c3=10.0.0.3");
    private static readonly Peer C1 = Peers.Find("c1")!;
    private static readonly Peer C2 = Peers.Find("c2")!;
    private static readonly Peer C3 = Peers.Find("c3")!;
    private static readonly MemberNote Empty = new("c2", C2.Address, "nonce of c2");

    private static readonly string Founding = MemberNote.FoundingOf(Peers, new Dictionary<string, string> { ["c1"] = "nonce of c1", ["c2"] = "nonce of c2", ["c3"] = "nonce of c3" });

    [Fact]
    public void Who_is_alone_in_the_list_promises_and_begins()
    {
        var alone = PeerList.Parse("c1=127.0.0.1:5");
        var note = MemberNote.New(alone.All[0]);
        var promise = Assert.IsType<PromiseStep>(MemberBeginning.Decide(alone, alone.All[0], note, []));
        Assert.Equal(new BeginStep("c1=https://127.0.0.1:5", IsNew: true, promise.Founding), MemberBeginning.Decide(alone, alone.All[0], note with { Founding = promise.Founding }, []));
    }

    [Fact]
    public void Nobody_begins_while_another_is_silent_whatever_the_rest_says()
    {
        var wait = Assert.IsType<WaitStep>(Decide(Empty with { Founding = Founding }, Offer(C1, Founding), new SilentPeer(C3, "refused")));
        Assert.Contains("c3=10.0.0.3:2380 (refused)", wait.Why, StringComparison.Ordinal);
    }

    [Fact]
    public void All_without_data_promise_first_and_begin_when_all_have_promised()
    {
        Assert.Equal(new PromiseStep(Founding), Decide(Empty, Offer(C1), Offer(C3)));
        var promised = Empty with { Founding = Founding };
        Assert.IsType<WaitStep>(Decide(promised, Offer(C1, Founding), Offer(C3)));
        Assert.Equal(New(Founding), Decide(promised, Offer(C1, Founding), Offer(C3, Founding)));
    }

    [Fact]
    public void Who_has_promised_begins_when_the_others_were_quicker() =>
        Assert.Equal(New(Founding), Decide(Empty with { Founding = Founding }, Runs(C1, Member(C1, hasRun: true), Member(C2, "c2"), Member(C3, "c3")), Offer(C3, Founding)));

    [Fact]
    public void Who_comes_with_an_empty_folder_to_aCluster_it_was_part_of_is_refused()
    {
        // It had run; or it had only promised, in a folder that is lost.
        foreach (var mine in new[] { Member(C2, "c2", hasRun: true), Member(C2, "c2") })
        {
            var refused = Assert.IsType<RefuseStep>(Decide(Empty, Runs(C1, Member(C1, "c1", hasRun: true), mine, Member(C3, "c3", hasRun: true)), new SilentPeer(C3, "refused")));
            Assert.Contains("dchat-server member replace c2=10.0.0.2`", refused.Remedy, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Who_is_not_expected_by_aCluster_that_exists_is_refused()
    {
        var refused = Assert.IsType<RefuseStep>(Decide(Empty, Runs(C1, Member(C1, "c1", hasRun: true), Member(C3, "c3", hasRun: true)), new SilentPeer(C3, "refused")));
        Assert.Contains("nobody is expected at 10.0.0.2:2380", refused.Problem, StringComparison.Ordinal);
        Assert.Contains("member replace", refused.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Who_was_added_joins_with_the_members_as_theCluster_has_them_even_where_another_is_behind()
    {
        var behind = Runs(C1, Member(C1, "c1", hasRun: true), new ListedMember(2, "c2", ["https://10.0.0.99:2380"], ["https://127.0.0.1:1"]), Member(C3, "old-c3", hasRun: true));
        var knows = Runs(C3, Member(C1, "c1", hasRun: true), Member(C2), Member(C3, "old-c3", hasRun: true));
        var begin = Assert.IsType<BeginStep>(Decide(Empty, behind, knows));
        Assert.False(begin.IsNew);
        Assert.Equal("c1=https://10.0.0.1:2380,c2=https://10.0.0.2:2380,old-c3=https://10.0.0.3:2380", begin.Initial);
    }

    [Fact]
    public void Other_lists_and_names_are_noticed()
    {
        Assert.Contains("other --peers", Assert.IsType<WaitStep>(Decide(Empty, new OfferingPeer(C1, new FoundingOffer("c1", "c1=10.0.0.1:2380", "n", null)), Offer(C3))).Why, StringComparison.Ordinal);
        Assert.Contains("--peers calls it c1", Assert.IsType<RefuseStep>(Decide(Empty, new OfferingPeer(C1, new FoundingOffer("c3", Peers.ToString(), "n", null)), Offer(C3))).Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_is_emptied_between_promise_and_beginning_stops_it() =>
        Assert.Contains("nothing is lost", Assert.IsType<RefuseStep>(Decide(Empty with { Founding = "of other nonces" }, Offer(C1), Offer(C3))).Remedy, StringComparison.Ordinal);

    /// <summary>Coordinators that come, crash, lose their folders and hear each other at random: while anybody has data of a cluster that had a
    /// majority, no other one gets that, and nobody begins anew in a cluster in which it was before.</summary>
    [Fact]
    public void Whatever_happens_one_cluster_begins_and_nobody_votes_in_it_twice()
    {
        var random = new Random(Seed.Print(output));
        var begun = 0;
        for (var round = 0; round < 2_000; round++)
        {
            var world = Peers.All.Select(peer => new Machine(peer)).ToArray();
            for (var step = 0; step < 60; step++)
            {
                var machine = world[random.Next(world.Length)];
                switch (random.Next(12))
                {
                    case 0:
                        machine.IsUp = !machine.IsUp;
                        break;
                    case 1 when random.Next(4) == 0:
                        machine.LoseFolder();
                        break;
                    default:
                        machine.Step(world, random);
                        break;
                }

                Assert.InRange(world.Select(other => other.Cluster).OfType<string>().Distinct().Count(cluster => HadMajority(cluster, world)), 0, 1);
            }

            Assert.All(world, machine => Assert.Equal(machine.Begun.Distinct().Count(), machine.Begun.Count));
            begun += world.SelectMany(machine => machine.Begun).Distinct().Count(cluster => HadMajority(cluster, world));
        }

        output.WriteLine($"{begun} clusters began");
        Assert.True(begun > 100, $"only {begun} clusters began: the test shows nothing");
    }

    private static bool HadMajority(string cluster, Machine[] world) => world.Count(machine => machine.Begun.Contains(cluster)) > world.Length / 2;

    private static BeginningStep Decide(MemberNote own, params PeerAnswer[] answers) => MemberBeginning.Decide(Peers, C2, own, answers);

    private static BeginStep New(string founding) => new("c1=https://10.0.0.1:2380,c2=https://10.0.0.2:2380,c3=https://10.0.0.3:2380", IsNew: true, founding);

    private static OfferingPeer Offer(Peer peer, string? founding = null) => new(peer, new FoundingOffer(peer.Name, Peers.ToString(), $"nonce of {peer.Name}", founding));

    private static RunningPeer Runs(Peer peer, params ListedMember[] members) => new(peer, members);

    private static ListedMember Member(Peer peer, string name = "", bool hasRun = false) => new((ulong)peer.Port, name, [peer.Url], hasRun ? ["https://127.0.0.1:1"] : null);

    private sealed class Machine(Peer peer)
    {
        private MemberNote _note = MemberNote.New(peer);
        public bool IsUp { get; set; } = true;

        /// <summary>Whose data it has.</summary>
        public string? Cluster { get; private set; }

        /// <summary>The clusters that it began with, over all its folders.</summary>
        public List<string> Begun { get; } = [];

        public void LoseFolder() => (_note, Cluster) = (MemberNote.New(peer), null);

        public void Step(Machine[] world, Random random)
        {
            if (!IsUp || Cluster is not null)
            {
                return;
            }

            var answers = world.Where(other => other != this).Select(other => random.Next(8) == 0 ? new SilentPeer(other.Peer, "lost") : other.Answer(world)).ToList();
            switch (MemberBeginning.Decide(Peers, peer, _note, answers))
            {
                case PromiseStep promise:
                    _note = _note with { Founding = promise.Founding };
                    break;
                case BeginStep begin:
                    Assert.True(begin.IsNew);
                    Cluster = begin.Token;
                    Begun.Add(begin.Token);
                    break;
            }
        }

        private Peer Peer => peer;

        private PeerAnswer Answer(Machine[] world) => !IsUp ? new SilentPeer(peer, "down")
            : Cluster is null ? new OfferingPeer(peer, new FoundingOffer(peer.Name, Peers.ToString(), _note.Nonce, _note.Founding))
            : new RunningPeer(peer, [.. world.Select(other => new ListedMember(1, other.Peer.Name, [other.Peer.Url], other.Begun.Contains(Cluster) && world.Count(any => any.Begun.Contains(Cluster)) > 1 ? ["https://127.0.0.1:1"] : null))]);
    }
}
