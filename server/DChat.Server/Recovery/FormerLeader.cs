using System.Net.Sockets;
using DChat.Core.Blobs;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Snapshots;
using DChat.Server.Nodes;

namespace DChat.Server.Recovery;

/// <summary>The coordinator that led last over the snapshots of a blob store which a restore is going to take over.</summary>
internal static class FormerLeader
{
    private static readonly SocketError[] NobodyThere =
    [
        SocketError.ConnectionRefused, SocketError.HostUnreachable, SocketError.NetworkUnreachable, SocketError.TimedOut, SocketError.HostNotFound, SocketError.NoData, SocketError.TryAgain,
    ];

    /// <summary>Asks it whether it is gone. One that cannot be reached from here is taken for gone, and that is said.</summary>
    /// <param name="place">The blob store, for people.</param>
    /// <exception cref="ConfigurationException">It lives: what it removes and what a new cluster needs would be one.</exception>
    public static async Task RefuseLivingAsync(IBlobStore blobs, string place, ServerOptions options, ClusterSecret secret, TimeProvider time, IProgressReport progress, CancellationToken cancellation)
    {
        if (await ReadAsync(blobs, cancellation) is not { } address)
        {
            return;
        }

        using var dialer = new NodeDialer(new NodeHandshake(secret), new NodeSelf("restore", "restore", options.EffectiveAdvertise, ConfigVerbs.ProductVersion), NodeTls.Load(options)?.ForClient(), time);
        string who;
        try
        {
            await using var link = await dialer.ConnectAsync(address, NodeServices.Replica, null, _ => new NothingComes(), cancellation);
            who = $"{link.Peer.Node}, which led it last, answers at {address}";
        }
        catch (NodeLinkException error) when (error.GetBaseException() is OperationCanceledException || (error.GetBaseException() is SocketException socket && NobodyThere.Contains(socket.SocketErrorCode)))
        {
            progress.Say($"The coordinator that led last, at {address}, is taken for gone: {error.Message}");
            return;
        }
        catch (NodeLinkException error)
        {
            // As one that speaks TLS to who speaks none.
            who = $"somebody answers at {address}, where the coordinator was that led it last, though not this program ({error.Message})";
        }

        throw new ConfigurationException(
            $"--blobs {place}", $"the cluster whose snapshots these are still runs: {who}",
            $"stop all its coordinators and workers first, or give other --blobs, which must be empty; where it is another program that answers, remove '{LeaderNote.Blob}' from there");
    }

    private static async Task<string?> ReadAsync(IBlobStore blobs, CancellationToken cancellation)
    {
        try
        {
            return await LeaderNote.ReadAsync(blobs, cancellation);
        }
        catch (IOException error)
        {
            throw new BlobStoreUnavailableException($"'{LeaderNote.Blob}' cannot be read: {error.Message}", error);
        }
    }

    private sealed class NothingComes : INodeService
    {
        public ValueTask ReceivedAsync(NodeLink link, NodeMessage message) => throw new InvalidDataException($"{message.Method} came out of turn");

        public void Ended(NodeLink link, string why)
        {
            // That it began was all there was to know.
        }
    }
}
