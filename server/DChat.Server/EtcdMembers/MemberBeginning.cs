namespace DChat.Server.EtcdMembers;

/// <summary>
/// How a member without data begins: with others that have none either, or as one that was added to a cluster that is there. Pure.
/// </summary>
/// <remarks>
/// A member that lost its data must not begin as if it were new: it would take back votes and entries that it confirmed. So a cluster is begun
/// only when all of its coordinators say that they have none, under a name made of a random number of each folder, to which each commits
/// itself before any goes on. Whoever comes later with an empty folder has another number, and finds a cluster that it is no part of.
/// </remarks>
internal static class MemberBeginning
{
    public static BeginningStep Decide(PeerList peers, Peer self, MemberNote own, IReadOnlyList<PeerAnswer> answers)
    {
        var running = answers.OfType<RunningPeer>().ToList();
        if (running.Count > 0)
        {
            return ComeTo(running, peers, self, own);
        }

        if (answers.OfType<SilentPeer>().ToList() is { Count: > 0 } silent)
        {
            return new WaitStep($"no answer yet from {string.Join(", ", silent.Select(peer => $"{peer.Peer} ({peer.Why})"))}. A new cluster begins when all of --peers are up; one that exists, when any other coordinator is");
        }

        var offers = answers.OfType<OfferingPeer>().ToList();
        foreach (var (peer, offer) in offers.Select(answer => (answer.Peer, answer.Offer)))
        {
            if (offer.Name != peer.Name)
            {
                return new RefuseStep($"the coordinator at {peer.Address} is {Nodes.Printable.Of(offer.Name)} (--node there), and --peers calls it {peer.Name}", "give all coordinators the same --peers, and each its own --node");
            }

            if (offer.Peers != peers.ToString())
            {
                return new WaitStep($"{peer.Name} was given other --peers ({Nodes.Printable.Of(offer.Peers)}). Give all coordinators the same");
            }
        }

        var nonces = offers.ToDictionary(answer => answer.Peer.Name, answer => answer.Offer.Nonce, StringComparer.Ordinal);
        nonces[self.Name] = own.Nonce;
        var founding = MemberNote.FoundingOf(peers, nonces);
        if (own.Founding is not null && own.Founding != founding)
        {
            return new RefuseStep(
                "another coordinator's folder was emptied, or --peers changed, while the cluster was being begun",
                "nothing is lost, as it had not begun: remove DATA/etcd of every coordinator, and start them again");
        }

        return own.Founding is null ? new PromiseStep(founding)
            : offers.Find(answer => answer.Offer.Founding != founding) is { } hesitant ? new WaitStep($"{hesitant.Peer.Name} is about to begin")
            : Found(peers, founding);
    }

    private static BeginningStep ComeTo(List<RunningPeer> running, PeerList peers, Peer self, MemberNote own)
    {
        foreach (var (peer, members) in running.Select(answer => (answer.Peer, answer.Members)))
        {
            if (members.FirstOrDefault(member => member.IsAt(self)) is not { HasRun: false } mine)
            {
                continue;
            }

            if (string.IsNullOrEmpty(mine.Name))
            {
                return new BeginStep(Initial(members, peers, self), IsNew: false, Token: peer.Name);
            }

            if (own.Founding is { } founding)
            {
                return Found(peers, founding); // The others were quicker to begin what this one has promised.
            }
        }

        var replace = $"dchat-server member replace {self.Name}={self.Host}{(self.Port == PeerList.DefaultPort ? "" : $":{self.Port}")}";
        return running.SelectMany(answer => answer.Members).FirstOrDefault(member => member.IsAt(self)) is not null
            ? new RefuseStep(
                $"this cluster's member at {self.Address} has run before, and its data is not in this folder: a member that forgot what it confirmed could undo it",
                $"put DATA/etcd back as it was when it stopped (not from a backup: what is older has forgotten); if it is lost, run `{replace}`, then start this again")
            : new RefuseStep(
                $"{running[0].Peer.Name} is part of a cluster that exists, in which nobody is expected at {self.Address}",
                $"run `{replace}`, then start this again; if that is not meant to be the same cluster, correct --peers");
    }

    private static BeginStep Found(PeerList peers, string founding) => new(string.Join(',', peers.All.Select(peer => $"{peer.Name}={peer.Url}")), IsNew: true, founding);

    /// <summary>All members as the cluster has them: etcd compares.</summary>
    private static string Initial(IReadOnlyList<ListedMember> members, PeerList peers, Peer self) => string.Join(',', members.SelectMany(member =>
    {
        var name = member.IsAt(self) ? self.Name
            : !string.IsNullOrEmpty(member.Name) && member.Name != self.Name ? member.Name
            : peers.Without(self).FirstOrDefault(member.IsAt)?.Name ?? $"unnamed-{member.Id:x}";
        return (member.PeerUrls ?? []).Select(url => $"{name}={url}");
    }));
}

/// <summary>What a coordinator of the list answers.</summary>
internal abstract record PeerAnswer(Peer Peer);

/// <summary>Nothing.</summary>
internal sealed record SilentPeer(Peer Peer, string Why) : PeerAnswer(Peer);

/// <summary>It has no data.</summary>
internal sealed record OfferingPeer(Peer Peer, FoundingOffer Offer) : PeerAnswer(Peer);

/// <summary>Its etcd runs.</summary>
internal sealed record RunningPeer(Peer Peer, IReadOnlyList<ListedMember> Members) : PeerAnswer(Peer);

/// <summary>What is to be done now.</summary>
internal abstract record BeginningStep;

/// <summary>Ask again later.</summary>
internal sealed record WaitStep(string Why) : BeginningStep;

/// <summary>Commit itself to begin this cluster with the others, on the disk, and ask again.</summary>
internal sealed record PromiseStep(string Founding) : BeginningStep;

/// <summary>Start etcd.</summary>
/// <param name="Initial">Its <c>--initial-cluster</c>.</param>
/// <param name="IsNew">Whether the cluster begins; else it is there.</param>
/// <param name="Token">Its <c>--initial-cluster-token</c>, part of every id in the cluster.</param>
internal sealed record BeginStep(string Initial, bool IsNew, string Token) : BeginningStep;

/// <summary>Going on would harm.</summary>
internal sealed record RefuseStep(string Problem, string Remedy) : BeginningStep;
