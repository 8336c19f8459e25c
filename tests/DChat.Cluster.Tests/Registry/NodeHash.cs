using DChat.Server.Coordinator;
using DChat.Server.Nodes;

namespace DChat.Cluster.Tests.Registry;

/// <summary>Which registry a node says that it holds.</summary>
internal static class NodeHash
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(3);

    /// <returns>The last entry and the hash of the registry; null: it cannot tell now.</returns>
    public static async Task<(long Index, string Hash)?> AskAsync(NodeDialer dialer, string node)
    {
        try
        {
            await using var link = await dialer.ConnectAsync(node, NodeServices.Replica, null, _ => new NothingComes(), CancellationToken.None);
            var answer = new PayloadReader(await link.CallAsync(ReplicaDoor.Ask, default, AnswerLimit, CancellationToken.None));
            var index = answer.Number();
            return (index, Convert.ToHexString(answer.Bytes().Span));
        }
        catch (Exception failure) when (failure is NodeLinkException or TimeoutException)
        {
            return null;
        }
    }

    private sealed class NothingComes : INodeService
    {
        public ValueTask ReceivedAsync(NodeLink link, NodeMessage message) => throw new InvalidDataException($"{message.Method} came out of turn");

        public void Ended(NodeLink link, string why)
        {
            // Whoever waits for the answer hears it.
        }
    }
}
