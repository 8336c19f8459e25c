using System.Globalization;
using DChat.Protocol;
using DChat.Storage.Etcd;

namespace DChat.Server.EtcdMembers;

/// <summary>What replacing a member takes, and when it would do harm. Pure.</summary>
internal static class MemberReplacement
{
    /// <param name="peers">As the coordinator that carries it out was given them: which names there are.</param>
    /// <param name="self">That coordinator, which leads; null: it does not lead, and would do none of it.</param>
    public static ReplacementPlan Plan(PeerList peers, Peer? self, IReadOnlyList<SeenVoter> voters, Peer replacement, bool force)
    {
        var names = Names(peers, voters);
        if (peers.Find(replacement.Name) is null && !names.Values.Contains(replacement.Name, StringComparer.Ordinal))
        {
            return ReplacementPlan.No(ErrorCodes.NotFound, $"There is no coordinator {replacement.Name}; there are {string.Join(", ", peers.All.Select(peer => peer.Name))}.");
        }

        // One that has yet to come, to an address of which nobody knows whose it is: nothing depends on it, so the address is taken for mistaken.
        var old = voters.FirstOrDefault(seen => names[seen.Voter.Id] == replacement.Name)
            ?? voters.FirstOrDefault(seen => seen.Voter is { Learns: true, HasRun: false } && names[seen.Voter.Id].Length == 0);
        if (voters.FirstOrDefault(seen => seen != old && IsAt(seen, replacement)) is { } there)
        {
            return ReplacementPlan.No(ErrorCodes.InvalidArgument, $"{Called(names[there.Voter.Id])} is at {replacement.Address} already.");
        }

        if (old is null && voters.Count >= peers.All.Count)
        {
            return ReplacementPlan.No(ErrorCodes.InvalidArgument, $"Which of the {Number(voters.Count(seen => !seen.Voter.HasRun))} members that are expected is {replacement.Name} is not known: start the others first.");
        }

        // A founder has a name before it runs. Where it never did, and what it promised is lost, it may not come back as the same one.
        if (old is { Voter: { HasRun: false, Name: "" } } && IsAt(old, replacement))
        {
            return ReplacementPlan.Done;
        }

        if (replacement.Name == self?.Name)
        {
            return ReplacementPlan.No(ErrorCodes.Forbidden, $"{self.Name} is the coordinator that leads, and would carry this out. Stop it first: another one leads then, and does it.");
        }

        if (old is { IsUp: true, Voter.HasRun: true } && !force)
        {
            return ReplacementPlan.No(ErrorCodes.Forbidden, $"{replacement.Name} still runs, at {string.Join(' ', old.Voter.PeerUrls)}. Stop its coordinator first, or say --force to throw it out while it runs.");
        }

        if (voters.FirstOrDefault(seen => seen != old && seen.Voter.Learns) is { } learner)
        {
            return ReplacementPlan.No(
                ErrorCodes.Forbidden, $"{Called(names[learner.Voter.Id])} is expected at {string.Join(' ', learner.Voter.PeerUrls)} and comes first: start it there, or say with member replace where it is.");
        }

        // The one that comes does not count until it runs, and the others must be enough without it.
        var others = voters.Where(seen => seen != old).ToList();
        if (others.Count == 1 && old is null or { Voter.Learns: true })
        {
            return new ReplacementPlan(true, old?.Voter, Learns: true); // One alone, as after a restore: of two voters both are needed, so the second has to be there first.
        }

        var up = others.Count(seen => seen.IsUp && seen.Voter.HasRun);
        var needed = ((others.Count + 1) / 2) + 1;
        return up >= needed
            ? new ReplacementPlan(true, old?.Voter)
            : ReplacementPlan.No(
                ErrorCodes.Forbidden,
                $"It would stop the cluster: of {Number(others.Count + 1)} members {Number(needed)} must be up, and without {replacement.Name} {Number(up)} {(up == 1 ? "is" : "are")}{Away(others, names)}. Bring another one back first.");
    }

    /// <summary>By id, what each member is called. One that has not run yet has told no name: it is the one that is missing; empty where several are.</summary>
    public static IReadOnlyDictionary<ulong, string> Names(PeerList peers, IReadOnlyList<SeenVoter> voters)
    {
        var missing = peers.All.Select(peer => peer.Name).Except(voters.Select(seen => seen.Voter.Name)).ToList();
        return voters.ToDictionary(
            seen => seen.Voter.Id,
            seen => seen.Voter.Name.Length > 0 ? seen.Voter.Name
                : peers.All.FirstOrDefault(peer => missing.Contains(peer.Name) && IsAt(seen, peer))?.Name
                ?? (missing is [var one] ? one : ""));
    }

    /// <summary>Coordinators that have no member, not even one that is expected: replacing one was broken off in the middle.</summary>
    public static IEnumerable<Peer> Missing(PeerList peers, IReadOnlyList<SeenVoter> voters)
    {
        var names = Names(peers, voters).Values;
        return names.Contains("", StringComparer.Ordinal) ? [] : peers.All.Where(peer => !names.Contains(peer.Name, StringComparer.Ordinal));
    }

    private static bool IsAt(SeenVoter seen, Peer peer) => seen.Voter.PeerUrls.Contains(peer.Url, StringComparer.OrdinalIgnoreCase);

    private static string Away(List<SeenVoter> others, IReadOnlyDictionary<ulong, string> names) =>
        others.Where(seen => !seen.IsUp || !seen.Voter.HasRun).Select(seen => Called(names[seen.Voter.Id])).ToList() is { Count: > 0 } away
            ? $" ({string.Join(", ", away)} {(away.Count == 1 ? "is" : "are")} not)"
            : "";

    private static string Called(string name) => name.Length > 0 ? name : "a member that has not run yet";

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A member, and whether it answers.</summary>
internal sealed record SeenVoter(EtcdVoter Voter, bool IsUp);

/// <param name="Adds">Whether there is anything to do: the old one, if there is one, is removed, and the new one added.</param>
/// <param name="Learns">The new one does not vote until it has caught up.</param>
/// <param name="Error">Why not: a code of the contract, and its text for people.</param>
internal sealed record ReplacementPlan(bool Adds, EtcdVoter? Remove = null, string? Error = null, string? Text = null, bool Learns = false)
{
    public static ReplacementPlan Done { get; } = new(false);

    public static ReplacementPlan No(string error, string text) => new(false, null, error, text);
}
