using DChat.Server.Coordinator;
using DChat.Server.Nodes;
using DChat.Server.Worker.Host;

namespace DChat.Server.Worker.Peers;

/// <summary>A gateway at the other end of a link, subscribed at a room: each batch goes there once, whatever the number of its clients.</summary>
/// <param name="number">The gateway's own, for this subscription.</param>
/// <param name="lost">Called when the host tells it nothing more.</param>
internal sealed class PeerSink(NodeLink link, long number, string room, RegistryReplica replica, Action<PeerSink> lost) : IRoomSink
{
    [ThreadStatic]
    private static PayloadWriter? head;

    public long Number => number;

    public string Room => room;

    public void Publish(RoomBatch batch) =>
        link.Post(PeerMethods.Events, Head().Number(batch.FirstRev).Number(batch.LastRev).Number(batch.Count).Written, batch.Frame);

    public void Skip(long rev) => link.Post(PeerMethods.Skip, Head().Number(rev).Written);

    public void PublishSoft(byte[] frame)
    {
        if (!link.IsBehind)
        {
            link.Post(PeerMethods.Soft, Head().Written, frame);
        }
    }

    public void TellRead(string user, long seq)
    {
        if (!link.IsBehind)
        {
            link.Post(PeerMethods.Read, Head().Text(user).Number(seq).Written);
        }
    }

    public void Lost()
    {
        lost(this);
        link.Post(PeerMethods.Lost, Head().Written);
    }

    private PayloadWriter Head() => (head ??= new PayloadWriter()).Clear().Number(replica.Index).Number(number);
}

/// <summary>Tells a gateway how a change ended.</summary>
internal sealed class PeerReceiver(NodeLink link, long ticket, RegistryReplica replica) : IChangeReceiver
{
    [ThreadStatic]
    private static PayloadWriter? writer;

    public void Completed(in ChangeOutcome outcome)
    {
        var to = (writer ??= new PayloadWriter()).Clear().Number(replica.Index).Number(ticket);
        ChangeCodec.Write(to, outcome);
        link.Post(PeerMethods.Outcome, to.Written);
    }
}
