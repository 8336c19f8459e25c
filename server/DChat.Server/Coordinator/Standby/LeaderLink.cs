using System.Text.Json;
using DChat.Core.ControlLog;
using DChat.Core.Registry;
using DChat.Protocol;
using DChat.Server.EtcdMembers;
using DChat.Server.Nodes;

namespace DChat.Server.Coordinator.Standby;

/// <summary>
/// A standby's link to the leader, made anew whenever it ends: it carries commands on, tells how far this node is, and finds out at once when
/// the leader's process is gone.
/// </summary>
internal sealed partial class LeaderLink(IControlLog log, NodeDialer dialer, NodeSelf self, RegistryReplica replica, RegistryFeed feed, SnapshotPlace place, CoordinatorOptions options, TimeProvider time, ILogger<LeaderLink> logger)
{
    /// <summary>How often the leader is told how far this node is, and the log is asked whether it still leads.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(100);

    private volatile NodeLink? _link;
    private volatile string? _address;

    /// <summary>Where the leader is, <c>host:port</c>, as this node heard last; null: nobody leads, or this node does.</summary>
    public string? Address => _address;

    /// <summary>Whether commands reach the leader from here, as far as is known.</summary>
    public bool IsLinked => _link is { IsUp: true };

    /// <summary>Keeps the link until cancelled: this node leads, or stops.</summary>
    /// <param name="mayStandBy">False where this node cannot do without leading.</param>
    /// <param name="isParked">This node is no standby: it tells the leader so.</param>
    /// <exception cref="StartRefusedException">Another leads, and this node may not stand by.</exception>
    public async Task RunAsync(bool mayStandBy, bool isParked, CancellationToken cancellation)
    {
        try
        {
            for (var linkedTerm = 0L; ;)
            {
                if (await TryAsync(linkedTerm, mayStandBy, isParked, cancellation) is { } term)
                {
                    linkedTerm = term; // It ended: look at once what became of the leader.
                }
                else
                {
                    await Task.Delay(RetryAfter, time, cancellation);
                }
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            _address = null;
        }
    }

    /// <summary>Has the leader decide a command; <c>unavailable</c> where it cannot be reached: it may have been carried out all the same.</summary>
    public async Task<CommandResult> SubmitAsync(Command command, CancellationToken cancellation) =>
        await CallAsync(StandbyMethods.Submit, CommandCodec.Encode(command), cancellation) is { } answer
            ? CommandAnswer.Decode(answer)
            : PendingCommand.Unavailable(replica.Index);

    /// <summary>The cluster as the leader sees it, as it goes over links; empty: no leader was reached.</summary>
    public async Task<byte[]> LookAsync(CancellationToken cancellation) => await CallAsync(StandbyMethods.Look, default, cancellation) ?? [];

    /// <summary>Has the leader change who its etcd's members are, as it goes over links; null: it is not linked, or older, and was not asked.</summary>
    public async Task<byte[]?> ChangeMembersAsync(ReadOnlyMemory<byte> request, CancellationToken cancellation)
    {
        if (_link is not { } link || !link.Peer.Knows(StandbyMethods.MembersSince))
        {
            return null;
        }

        try
        {
            return await link.CallAsync(StandbyMethods.Members, request, MemberChanges.Limit, cancellation);
        }
        catch (Exception failure) when (failure is NodeLinkException or TimeoutException)
        {
            return JsonSerializer.SerializeToUtf8Bytes(
                new EtcdMemberAnswer(Error: ErrorCodes.Unavailable, Text: $"The coordinator that leads did not answer ({failure.Message}), and it may be half done. Say the same again in a few seconds."),
                MemberJson.Default.EtcdMemberAnswer);
        }
    }

    private async Task<byte[]?> CallAsync(byte method, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        try
        {
            return _link is { } link ? await link.CallAsync(method, payload, options.CommandTimeout, cancellation) : null;
        }
        catch (Exception failure) when (failure is NodeLinkException or TimeoutException)
        {
            return null;
        }
    }

    /// <returns>The term of a link that stood and ended; null: there was none.</returns>
    private async Task<long?> TryAsync(long linkedTerm, bool mayStandBy, bool isParked, CancellationToken cancellation)
    {
        var leader = default(LeaderInfo);
        try
        {
            leader = await log.ReadLeaderAsync(cancellation);
            _address = leader?.Advertise;
            if (leader is null || leader.Advertise == self.Address)
            {
                return null;
            }

            if (!mayStandBy)
            {
                throw new StartRefusedException(
                    $"The coordinator at {leader.Advertise} leads now, and a process that is a worker too (--mode all) cannot stand by: its rooms are given to others. Remedy: start it again, or run coordinators and workers as processes of their own.");
            }

            await using var link = await dialer.ConnectAsync(leader.Advertise, NodeServices.Standby, null, _ => new NothingComes(), cancellation);
            if (isParked)
            {
                LinkedAside(logger, leader.Advertise, leader.Term);
            }
            else
            {
                Linked(logger, leader.Advertise, leader.Term);
            }

            _link = link;
            await ServeAsync(link, leader, isParked, cancellation);
            return leader.Term;
        }
        catch (NodeLinkException failure)
        {
            NotReached(logger, leader!.Advertise, failure.Message);
            if (Succession.IsLeaderGone(leader, linkedTerm, failure.IsConnectionRefused))
            {
                await DeposeAsync(leader, cancellation);
            }

            return null;
        }
        catch (ControlLogUnavailableException)
        {
            return null; // Said by who follows the log.
        }
        finally
        {
            _link = null;
        }
    }

    /// <summary>Returns when the link ended, or another leads.</summary>
    private async Task ServeAsync(NodeLink link, LeaderInfo leader, bool isParked, CancellationToken cancellation)
    {
        while (link.IsUp)
        {
            link.Post(StandbyMethods.Report, new PayloadWriter().Number(replica.Index).Number(feed.Followers).Number(time.GetUtcNow().ToUnixTimeMilliseconds()).Flag(isParked).Flag(place.IsElsewhere(leader.Advertise)).Written);
            await Task.WhenAny(link.Completion, Task.Delay(Interval, time, cancellation));
            cancellation.ThrowIfCancellationRequested();
            try
            {
                if ((await log.ReadLeaderAsync(cancellation))?.Term != leader.Term)
                {
                    return;
                }
            }
            catch (ControlLogUnavailableException)
            {
                // Who leads is not known; the link stands.
            }
        }
    }

    private async Task DeposeAsync(LeaderInfo leader, CancellationToken cancellation)
    {
        try
        {
            if (await log.DeposeAsync(leader.Term, cancellation))
            {
                Deposed(logger, leader.Advertise, leader.Term);
            }
        }
        catch (ControlLogUnavailableException)
        {
            // Another was quicker, or the log is away: the next try looks.
        }
    }

    private sealed class NothingComes : INodeService
    {
        public ValueTask ReceivedAsync(NodeLink link, NodeMessage message) => throw new InvalidDataException($"a leader sent {message.Method} out of turn");

        public void Ended(NodeLink link, string why)
        {
            // Whoever serves the link sees it.
        }
    }

    [LoggerMessage(2050, LogLevel.Information, "standing by: {Leader} leads in term {Term}")]
    private static partial void Linked(ILogger logger, string leader, long term);

    [LoggerMessage(2053, LogLevel.Information, "parked: {Leader} leads in term {Term}")]
    private static partial void LinkedAside(ILogger logger, string leader, long term);

    [LoggerMessage(2051, LogLevel.Debug, "the leader at {Leader} is not reached: {Why}")]
    private static partial void NotReached(ILogger logger, string leader, string why);

    [LoggerMessage(2052, LogLevel.Warning, "the leader at {Leader} is gone: nobody listens there any more. Term {Term} was ended")]
    private static partial void Deposed(ILogger logger, string leader, long term);
}
