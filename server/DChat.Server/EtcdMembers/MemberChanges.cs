using DChat.Core.ControlLog;
using DChat.Core.Registry;
using DChat.Protocol;
using DChat.Server.Coordinator;
using DChat.Storage.Etcd;

namespace DChat.Server.EtcdMembers;

/// <summary>Looks at who the members of the coordinators' etcd are, and replaces one; carried out by the coordinator that leads.</summary>
internal sealed partial class MemberChanges(MemberOptions options, EtcdMembership membership, CoordinatorService coordinator, TimeProvider time, ILogger<MemberChanges> logger) : IDisposable
{
    /// <summary>How long a request may take; etcd may want to have seen its members for five seconds before it adds one.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(13);

    /// <summary>How long this coordinator's own etcd is asked who the members are, where they do not agree.</summary>
    private static readonly TimeSpan OwnLimit = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(300);

    private readonly SemaphoreSlim _one = new(1);

    /// <param name="members">Null where the coordinators run no etcd.</param>
    public static async Task<EtcdMemberAnswer> CarryOutAsync(MemberChanges? members, EtcdMemberRequest request, CancellationToken cancellation) => members is null
        ? new EtcdMemberAnswer(Error: ErrorCodes.InvalidArgument, Text: "The coordinators run no etcd of their own (--peers). One that was given by --log etcd:// is administered with etcdctl.")
        : await members.CarryOutAsync(request, cancellation);

    public void Dispose() => _one.Dispose();

    private async Task<EtcdMemberAnswer> CarryOutAsync(EtcdMemberRequest request, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Limit - TimeSpan.FromSeconds(1));
        var attempt = new Attempt();
        try
        {
            await _one.WaitAsync(limit.Token);
            try
            {
                return request.Replacement is { } replacement
                    ? await ReplaceAsync(PeerList.ParseOne(replacement), request, attempt, limit.Token)
                    : await ListAsync(limit.Token);
            }
            finally
            {
                _one.Release();
            }
        }
        catch (ControlLogUnavailableException failure)
        {
            return new EtcdMemberAnswer(Error: ErrorCodes.Unavailable, Text: $"It cannot be done now, and {attempt.Outcome}: {failure.Message}. Say the same again in a few seconds.");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new EtcdMemberAnswer(Error: ErrorCodes.Unavailable, Text: $"It took too long, and {attempt.Outcome}. Say the same again in a few seconds.");
        }
        catch (FormatException problem)
        {
            return new EtcdMemberAnswer(Error: ErrorCodes.InvalidArgument, Text: problem.Message);
        }
    }

    private async Task<EtcdMemberAnswer> ReplaceAsync(Peer replacement, EtcdMemberRequest request, Attempt attempt, CancellationToken cancellation)
    {
        var (voters, agreed) = await SeeAsync(cancellation);
        if (voters is null)
        {
            return new EtcdMemberAnswer(Error: ErrorCodes.Unavailable, Text: $"Nothing was done: the etcd of {options.Self.Name} does not answer. See dchat-server member list.");
        }

        var plan = MemberReplacement.Plan(options.Peers, coordinator.IsLeader ? options.Self : null, voters, replacement, request.Force);
        if (plan.Error is not null)
        {
            return new EtcdMemberAnswer(Error: plan.Error, Text: plan.Text);
        }

        if (plan.Adds && !agreed)
        {
            return new EtcdMemberAnswer(Error: ErrorCodes.Unavailable, Text: "Nothing was done: more than half of the etcd members do not agree now. Say the same again in a few seconds.");
        }

        if (plan.Adds && !coordinator.IsLeader)
        {
            return new EtcdMemberAnswer(Error: ErrorCodes.Unavailable, Text: $"Nothing was done: {options.Self.Name} was asked, which does not lead and does not reach the coordinator that does. Say the same again in a few seconds.");
        }

        if (plan.Adds)
        {
            attempt.HasBegun = true;

            // First: what was done and is not in the trail would be worse than what is there and was not done.
            var now = time.GetUtcNow().ToUnixTimeMilliseconds(); // Not the worker's, whose clock nobody looked at.
            var noted = await coordinator.DecideAsync(new NoteMemberReplaced(request.CommandId, request.Actor, now, replacement.Name, replacement.Address), cancellation);
            if (!noted.Outcome.IsOk)
            {
                return new EtcdMemberAnswer(Error: noted.Outcome.Error, Text: $"It cannot be written into the audit trail, so nothing was done: {noted.Outcome.Text}.");
            }

            if (plan.Remove is { } old)
            {
                await membership.RemoveAsync(old.Id, cancellation);
                Removed(logger, replacement.Name, string.Join(' ', old.PeerUrls), request.Actor);
            }

            await AddAsync(replacement.Url, plan.Learns, cancellation);
            Expected(logger, replacement.ToString(), request.Actor);
        }

        return await DescribeAsync(cancellation);
    }

    private async Task AddAsync(string url, bool learns, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await membership.AddAsync(url, learns, cancellation);
                return;
            }
            catch (ControlLogUnavailableException)
            {
                await Task.Delay(Pause, time, cancellation); // It wants to have seen all others for a while.
            }
        }
    }

    private async Task<EtcdMemberAnswer> ListAsync(CancellationToken cancellation)
    {
        var (voters, agreed) = await SeeAsync(cancellation);
        return voters is null ? await DescribePeersAsync(cancellation)
            : Describe(voters, agreed ? null : "More than half of the etcd members do not agree, so nothing can be changed: bring back those that are away.");
    }

    /// <summary>The members as they agree on it; where more than half do not, as this coordinator's own etcd has it; null where that does not answer either.</summary>
    private async Task<(IReadOnlyList<SeenVoter>? Voters, bool Agreed)> SeeAsync(CancellationToken cancellation)
    {
        try
        {
            await membership.AgreeAsync(cancellation);
            return (await LookAsync(await membership.ListAsync(cancellation), cancellation), true);
        }
        catch (ControlLogUnavailableException)
        {
            // What was agreed on last can be told all the same.
        }

        IReadOnlyList<EtcdVoter> voters;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(OwnLimit);
        try
        {
            voters = await membership.ListAsync(limit.Token);
        }
        catch (Exception failure) when (failure is ControlLogUnavailableException || (failure is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return (null, false);
        }

        return (await LookAsync(voters, cancellation), false);
    }

    private async Task<EtcdMemberAnswer> DescribePeersAsync(CancellationToken cancellation)
    {
        using var calls = new PeerCalls(options);
        var members = await Task.WhenAll(options.Peers.All.Select(async peer => new AdminMember(peer.Name, peer.Address, await calls.IsUpAsync(new Uri(peer.Url), cancellation) ? "up" : "away", false)));
        return new EtcdMemberAnswer(new AdminMembers(
            [.. members.OrderBy(member => member.Name, StringComparer.Ordinal)], options.Peers.ToString(), $"The etcd of {options.Self.Name} does not answer, and nothing can be changed: these are the --peers of {options.Self.Name}, which may have been replaced since."));
    }

    private async Task<EtcdMemberAnswer> DescribeAsync(CancellationToken cancellation) => Describe(await LookAsync(await membership.ListAsync(cancellation), cancellation));

    private EtcdMemberAnswer Describe(IReadOnlyList<SeenVoter> voters, string? problem = null)
    {
        var names = MemberReplacement.Names(options.Peers, voters);
        var members = voters.Select(seen => new AdminMember(
            names[seen.Voter.Id], Address(seen.Voter), !seen.Voter.HasRun || seen.Voter.Learns ? "expected" : seen.IsUp ? "up" : "away", seen.Voter.Leads))
            .Concat(MemberReplacement.Missing(options.Peers, voters).Select(peer => new AdminMember(peer.Name, peer.Address, "missing", false)))
            .OrderBy(member => member.Name, StringComparer.Ordinal).ToList();
        return new EtcdMemberAnswer(new AdminMembers(members, string.Join(',', members.Select(member => $"{(member.Name.Length > 0 ? member.Name : "?")}={member.Address}")), problem));
    }

    private async Task<IReadOnlyList<SeenVoter>> LookAsync(IReadOnlyList<EtcdVoter> voters, CancellationToken cancellation)
    {
        using var calls = new PeerCalls(options);
        return await Task.WhenAll(voters.Select(async voter => new SeenVoter(
            voter, (await Task.WhenAll(voter.PeerUrls.Select(url => calls.IsUpAsync(new Uri(url), cancellation)))).Any(isUp => isUp))));
    }

    private static string Address(EtcdVoter voter) => voter.PeerUrls is [var first, ..] ? new Uri(first).Authority : "";

    private sealed class Attempt
    {
        /// <summary>Something may have been written, or changed.</summary>
        public bool HasBegun { get; set; }

        public string Outcome => HasBegun ? "may be half done" : "nothing was begun";
    }

    [LoggerMessage(2690, LogLevel.Warning, "etcd member {Member} at {Address} was removed from the cluster for ever, by {Actor}")]
    private static partial void Removed(ILogger logger, string member, string address, string actor);

    [LoggerMessage(2691, LogLevel.Warning, "etcd member {Member} is expected, by {Actor}")]
    private static partial void Expected(ILogger logger, string member, string actor);
}

/// <summary>What an administrator wants of the members.</summary>
/// <param name="Replacement"><c>NAME=HOST:PORT</c> of the new member; null: only to look.</param>
/// <param name="At">By the worker's clock; coordinators of the version before put it into the audit trail.</param>
internal sealed record EtcdMemberRequest(string? Replacement, bool Force, string Actor, string CommandId, long At);

/// <summary>The members after that, or why not.</summary>
internal sealed record EtcdMemberAnswer(AdminMembers? Members = null, string? Error = null, string? Text = null);
