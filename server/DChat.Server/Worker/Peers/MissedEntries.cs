using System.Collections.Concurrent;
using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.Server.Nodes;
using DChat.Server.Worker.Joining;

namespace DChat.Server.Worker.Peers;

/// <summary>
/// What another worker knew of the registry when it sent something, and this one does not know yet. Mostly it is on its way from the coordinator.
/// Where that died after telling one of the two, nobody tells it any more until a coordinator is back: so the one that knows it is asked.
/// </summary>
internal sealed partial class MissedEntries(RegistryReplica replica, NodeDialer dialer, RegistryHalt halt, ILogger<MissedEntries> log)
{
    /// <summary>How long entries may be on their way before the other worker is asked for them.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(150);

    /// <summary>After a worker was ahead for <see cref="PeerLimits.CatchUp"/>, what it sends is not kept waiting again for so long, in milliseconds.</summary>
    private const int ImpatientMs = 500;

    private readonly ConcurrentDictionary<string, Lazy<Task>> _fetching = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> _aheadUntil = new(StringComparer.Ordinal);

    /// <summary>Whether this registry is as far as <paramref name="peer"/>'s was; false where it does not get there in time.</summary>
    public ValueTask<bool> ReachAsync(long index, NodeHello peer) => replica.Index >= index ? new(true) : new(CatchUpAsync(index, peer));

    private async Task<bool> CatchUpAsync(long index, NodeHello peer)
    {
        if (_aheadUntil.TryGetValue(peer.Node, out var until))
        {
            if (Environment.TickCount64 < until)
            {
                return false;
            }

            _aheadUntil.TryRemove(KeyValuePair.Create(peer.Node, until));
        }

        if (await replica.WaitForAsync(index, Patience, CancellationToken.None).ConfigureAwait(false))
        {
            return true;
        }

        if (peer.Knows(ReplicaDoor.EntriesSince))
        {
            _ = _fetching.GetOrAdd(peer.Node, _ => new Lazy<Task>(() => FetchAsync(index, peer))).Value;
        }

        if (await replica.WaitForAsync(index, PeerLimits.CatchUp - Patience, CancellationToken.None).ConfigureAwait(false))
        {
            return true;
        }

        _aheadUntil[peer.Node] = Environment.TickCount64 + ImpatientMs;
        Behind(log, replica.Index, index, peer.Node);
        return false;
    }

    /// <summary>Over a link of its own: on those between gateway and host, its answers would wait behind what waits for them.</summary>
    private async Task FetchAsync(long index, NodeHello peer)
    {
        await Task.Yield();
        try
        {
            using var limit = new CancellationTokenSource(PeerLimits.CatchUp);
            await using var link = await dialer.ConnectAsync(peer.Address, NodeServices.Replica, peer.Node, static _ => new NothingComes(), limit.Token).ConfigureAwait(false);
            while (replica.Index < index)
            {
                var answer = await link.CallAsync(ReplicaDoor.Entries, ReplicaDoor.After(replica).WrittenMemory, PeerLimits.CatchUp, limit.Token).ConfigureAwait(false);
                if (answer.Length == 0)
                {
                    NotKept(log, peer.Node, replica.Index, index);
                    return;
                }

                Apply(new PayloadReader(answer), peer);
            }
        }
        catch (UnknownRegistryEventException newer)
        {
            halt.Halt(newer); // Committed, or nobody would have told that worker: this one will not get over it either.
        }
        catch (Exception failure) when (failure is NodeLinkException or TimeoutException or OperationCanceledException or InvalidDataException or RegistryForkException)
        {
            NotFetched(log, peer.Node, failure.Message);
        }
        finally
        {
            _fetching.TryRemove(peer.Node, out _);
        }
    }

    private void Apply(PayloadReader entries, NodeHello peer)
    {
        var before = replica.Index;
        while (!entries.IsAtEnd)
        {
            var index = entries.Number();
            replica.Apply(index, RegistryEntryCodec.Decode(entries.Bytes().Span)); // One that came from a coordinator meanwhile is skipped.
        }

        Told(log, peer.Node, before + 1, replica.Index);
    }

    private sealed class NothingComes : INodeService
    {
        public ValueTask ReceivedAsync(NodeLink link, NodeMessage message) => throw new InvalidDataException($"a node that was asked for entries sent {message.Method} out of turn");

        public void Ended(NodeLink link, string why)
        {
            // Whoever waits for an answer is told.
        }
    }

    [LoggerMessage(2510, LogLevel.Warning, "this registry is at {Index} and behind that of {Worker}, which is at {Theirs}: what it sends waits")]
    private static partial void Behind(ILogger log, long index, long theirs, string worker);

    [LoggerMessage(2512, LogLevel.Information, "entries {First} to {Last} of the registry came from {Worker}, and from no coordinator yet")]
    private static partial void Told(ILogger log, string worker, long first, long last);

    [LoggerMessage(2513, LogLevel.Warning, "{Worker} does not keep the entries of the registry that are missing here: {Index} of {Theirs} are here")]
    private static partial void NotKept(ILogger log, string worker, long index, long theirs);

    [LoggerMessage(2514, LogLevel.Warning, "{Worker} could not be asked for entries of the registry that are missing here: {Why}")]
    private static partial void NotFetched(ILogger log, string worker, string why);
}
