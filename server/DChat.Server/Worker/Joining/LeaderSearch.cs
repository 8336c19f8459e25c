using DChat.Server.Coordinator.Workers;
using DChat.Server.Nodes;

namespace DChat.Server.Worker.Joining;

/// <summary>Finds the coordinator that leads: all are asked at once, and one that does not lead says who does.</summary>
internal sealed class LeaderSearch(NodeDialer dialer, CoordinatorAddresses addresses, TimeProvider time)
{
    /// <summary>How long a coordinator may take to say who leads.</summary>
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(2);

    /// <summary>When one has answered, the others are waited for so long: one that is cut off must not hold the search up.</summary>
    private static readonly TimeSpan OthersLimit = TimeSpan.FromSeconds(1);

    private static readonly SearchFailure NoAddress = new("no address is known", IsRefusal: false);

    private static readonly SearchFailure NobodyLeads = new("no coordinator leads that can be reached", IsRefusal: false);

    /// <param name="known">A standby's link that stands already, or null. It is answered again unless a better one is there, never ended here, and never
    /// made the leader's: what was asked of a standby does not go on under another role.</param>
    /// <param name="lastLeader">Where a leader was before, <c>host:port</c>, or null.</param>
    /// <param name="receive">What serves what a coordinator sends.</param>
    public async Task<LeaderFound> FindAsync(NodeLink? known, string? lastLeader, Func<INodeService> receive, CancellationToken stop)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var asked = new HashSet<string>(StringComparer.Ordinal);
        var pending = new List<Task<Answer>>();
        Ask(lastLeader is null ? [] : [lastLeader]);
        Ask(await addresses.ResolveAsync(stop));
        var answers = new List<Answer>();
        Task? patience = null;
        while (pending.Count > 0 && !answers.Exists(answer => answer.Leads) && await NextAsync(pending, patience) is { } answer)
        {
            answers.Add(answer);
            if (answer.Link is not null)
            {
                patience ??= Task.Delay(OthersLimit, time, enough.Token);
            }

            Ask(answer.Leader.Length > 0 ? [answer.Leader] : []);
        }

        await enough.CancelAsync();
        foreach (var late in pending)
        {
            await EndAsync((await late).Link);
        }

        var found = stop.IsCancellationRequested ? null : Choose(known is { IsUp: true } ? known : null, answers);
        foreach (var other in answers.Where(answer => answer.Link != (found?.Leader ?? found?.Standby)))
        {
            await EndAsync(other.Link);
        }

        stop.ThrowIfCancellationRequested();
        return found!;

        void Ask(IReadOnlyList<string> where) =>
            pending.AddRange(where.Where(asked.Add).Select(address => AskAsync(address, receive, enough.Token)));
    }

    /// <returns>Null when those that are left are waited for no longer.</returns>
    private static async Task<Answer?> NextAsync(List<Task<Answer>> pending, Task? patience)
    {
        var done = await Task.WhenAny(patience is null ? pending : [.. pending, patience]);
        if (done is not Task<Answer> answered)
        {
            return null;
        }

        pending.Remove(answered);
        return await answered;
    }

    /// <summary>The leader; else a standby, one that reaches the leader rather than one that does not: the nearest may be cut off from it as the worker is.</summary>
    /// <param name="known">Is kept unless another standby is better.</param>
    internal static LeaderFound Choose(NodeLink? known, IReadOnlyList<Answer> answers)
    {
        if (answers.FirstOrDefault(answer => answer.Leads) is { } leader)
        {
            return new LeaderFound(leader.Link, null, NobodyLeads);
        }

        var standbys = answers.Where(answer => answer.Link is not null).ToList();
        var better = standbys.Find(standby => standby.ReachesLeader);
        var isKnownGood = better is null || standbys.Exists(standby => standby.ReachesLeader && standby.Link!.Peer.Address == known?.Peer.Address);
        var standby = known is not null && isKnownGood ? known : better?.Link ?? standbys.FirstOrDefault()?.Link;
        return new LeaderFound(null, standby, standby is not null ? NobodyLeads : answers.Aggregate(NoAddress, (before, answer) => Both(before, answer.Failure!)));
    }

    /// <summary>A refusal is worth telling before anything else; it lasts only where nothing else may pass.</summary>
    private static SearchFailure Both(SearchFailure before, SearchFailure now) =>
        before == NoAddress ? now : (before.IsRefusal ? before : now) with { IsLasting = before.IsLasting && now.IsLasting };

    private static ValueTask EndAsync(NodeLink? link) => link?.DisposeAsync() ?? default;

    private async Task<Answer> AskAsync(string address, Func<INodeService> receive, CancellationToken cancellation)
    {
        NodeLink? link = null;
        try
        {
            link = await dialer.ConnectAsync(address, NodeServices.Registry, null, _ => receive(), cancellation);
            var answer = new PayloadReader(await link.CallAsync(RegistryMethods.Who, default, AnswerLimit, cancellation));
            return new Answer(link, answer.Flag(), answer.Text(), answer.IsAtEnd || answer.Flag(), null);
        }
        catch (Exception failure) when (failure is NodeLinkException or TimeoutException or InvalidDataException or OperationCanceledException)
        {
            await EndAsync(link);
            var why = failure is TimeoutException ? $"{address} did not answer in time" : failure.Message;
            return new Answer(null, false, "", false, new SearchFailure(why, failure is NodeRefusedException, failure is NodeRefusedException { IsLasting: true }));
        }
    }

    /// <summary>What one coordinator said.</summary>
    /// <param name="Link">Null: it was not reached, or did not answer.</param>
    internal sealed record Answer(NodeLink? Link, bool Leads, string Leader, bool ReachesLeader, SearchFailure? Failure);
}

/// <summary>What a search found: the leader, or a standby, or why neither.</summary>
internal sealed record LeaderFound(NodeLink? Leader, NodeLink? Standby, SearchFailure Failure);

/// <param name="Message">For people.</param>
/// <param name="IsRefusal">A coordinator does not want this worker: trying again does not help until something is changed.</param>
/// <param name="IsLasting">Looked for seldom: nothing but a change of configuration helps.</param>
internal sealed record SearchFailure(string Message, bool IsRefusal, bool IsLasting = false);
