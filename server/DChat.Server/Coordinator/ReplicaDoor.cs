using DChat.Server.Nodes;

namespace DChat.Server.Coordinator;

/// <summary>Where whoever compares the nodes' registries asks a node, coordinator or worker, for its own.</summary>
internal sealed partial class ReplicaDoor(ReplicaHash hash, ILogger<ReplicaDoor> log) : INodeServer
{
    /// <summary>The only call: nothing → the index of the last entry applied, and the hash of the registry after it.</summary>
    public const byte Ask = 1;

    public string Service => NodeServices.Replica;

    public string? Refuse(NodeHello peer) => null;

    public INodeService Accept(NodeHello peer) => new Session(hash, log);

    private sealed class Session(ReplicaHash hash, ILogger log) : INodeService
    {
        public ValueTask ReceivedAsync(NodeLink link, NodeMessage message)
        {
            if (message.Method != Ask)
            {
                throw new InvalidDataException($"a node that asks for the registry's hash sent {message.Method} out of turn");
            }

            _ = TellAsync(link, message);
            return default;
        }

        public void Ended(NodeLink link, string why)
        {
            // What is computed meanwhile is told to nobody.
        }

        private async Task TellAsync(NodeLink link, NodeMessage call)
        {
            try
            {
                var mark = await hash.TakeAsync();
                link.Reply(call, new PayloadWriter().Number(mark.Index).Bytes(mark.Hash).Written);
            }
            catch (Exception failure)
            {
                NotTold(log, failure);
                link.Fail(call, failure.Message);
            }
        }
    }

    [LoggerMessage(2080, LogLevel.Error, "the hash of the registry could not be computed")]
    private static partial void NotTold(ILogger log, Exception failure);
}
