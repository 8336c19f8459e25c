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

    /// <param name="known">A standby's link that stands already, or null. It is kept for as long as it is of use, never ended here, and never
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
        var found = known is { IsUp: true } ? new LeaderFound(null, known, NobodyLeads) : new LeaderFound(null, null, NoAddress);
        Task? patience = null;
        while (pending.Count > 0 && found.Leader is null && await NextAsync(pending, patience) is { } answer)
        {
            found = await TakeAsync(found, answer, known);
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

        if (stop.IsCancellationRequested)
        {
            await EndAsync(found.Leader);
            await EndAsync(found.Standby == known ? null : found.Standby);
            stop.ThrowIfCancellationRequested();
        }

        return found;

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

    private static async Task<LeaderFound> TakeAsync(LeaderFound found, Answer answer, NodeLink? known)
    {
        if (answer.Leads)
        {
            await EndAsync(found.Standby == known ? null : found.Standby);
            return found with { Leader = answer.Link, Standby = null };
        }

        if (answer.Link is { } standby)
        {
            await EndAsync(found.Standby is null ? null : standby);
            return found with { Standby = found.Standby ?? standby, Failure = NobodyLeads };
        }

        return found.Standby is null ? found with { Failure = Both(found.Failure, answer.Failure!) } : found;
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
            return new Answer(link, answer.Flag(), answer.Text(), null);
        }
        catch (Exception failure) when (failure is NodeLinkException or TimeoutException or InvalidDataException or OperationCanceledException)
        {
            await EndAsync(link);
            var why = failure is TimeoutException ? $"{address} did not answer in time" : failure.Message;
            return new Answer(null, false, "", new SearchFailure(why, failure is NodeRefusedException, failure is NodeRefusedException { IsLasting: true }));
        }
    }

    private sealed record Answer(NodeLink? Link, bool Leads, string Leader, SearchFailure? Failure);
}

/// <summary>What a search found: the leader, or a standby, or why neither.</summary>
internal sealed record LeaderFound(NodeLink? Leader, NodeLink? Standby, SearchFailure Failure);

/// <param name="Message">For people.</param>
/// <param name="IsRefusal">A coordinator does not want this worker: trying again does not help until something is changed.</param>
/// <param name="IsLasting">Looked for seldom: nothing but a change of configuration helps.</param>
internal sealed record SearchFailure(string Message, bool IsRefusal, bool IsLasting = false);
