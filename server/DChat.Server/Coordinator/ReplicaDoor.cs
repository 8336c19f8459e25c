using DChat.Core.Registry;
using DChat.Server.Nodes;

namespace DChat.Server.Coordinator;

/// <summary>Where a node, coordinator or worker, is asked about its registry: by whoever compares those of the nodes, and by workers that miss entries.</summary>
internal sealed partial class ReplicaDoor(ReplicaHash hash, RegistryFeed feed, ILogger<ReplicaDoor> log) : INodeServer
{
    /// <summary>Call: nothing → the index of the last entry applied, and the hash of the registry after it.</summary>
    public const byte Ask = 1;

    /// <summary>
    /// Call: the index of an entry, and, where it is there, the <see cref="EntryMark"/> of the one before → that entry and those after it, each with its
    /// index, as far as they are there, are still kept and fit. None where the one before is another here.
    /// Known to nodes of <see cref="EntriesSince"/>.
    /// </summary>
    public const byte Entries = 2;

    /// <summary>A version of the link.</summary>
    public const int EntriesSince = 4;

    /// <summary>An answer takes no further entry beyond so many bytes.</summary>
    private const int AnswerBytes = 1024 * 1024;

    /// <summary>What is asked for where a replica is as far as it is: by <see cref="Entries"/>, and by a worker that follows.</summary>
    public static PayloadWriter After(RegistryReplica replica)
    {
        var last = replica.Last;
        var asked = new PayloadWriter().Number((last?.Index ?? replica.Index) + 1);
        return last is null ? asked : asked.Bytes(EntryMark.Of(last.Entry));
    }

    public string Service => NodeServices.Replica;

    public string? Refuse(NodeHello peer) => null;

    public INodeService Accept(NodeHello peer) => new Session(hash, feed, log);

    private sealed class Session(ReplicaHash hash, RegistryFeed feed, ILogger log) : INodeService
    {
        public ValueTask ReceivedAsync(NodeLink link, NodeMessage message)
        {
            switch (message.Method)
            {
                case Ask:
                    _ = TellAsync(link, message);
                    return default;
                case Entries:
                    link.Reply(message, Kept(new PayloadReader(message.Payload)).Written);
                    return default;
                default:
                    throw new InvalidDataException($"a node that asks about the registry sent {message.Method} out of turn");
            }
        }

        public void Ended(NodeLink link, string why)
        {
            // What is computed meanwhile is told to nobody.
        }

        private PayloadWriter Kept(PayloadReader asked)
        {
            var answer = new PayloadWriter();
            var index = asked.Number();
            if (!asked.IsAtEnd && feed.HasAnother(index - 1, asked.Bytes().Span))
            {
                return answer;
            }

            foreach (var entry in feed.KeptFrom(index))
            {
                if (answer.Written.Length > AnswerBytes)
                {
                    break;
                }

                answer.Number(entry.Index).Bytes(RegistryEntryCodec.Encode(entry.Entry));
            }

            return answer;
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
