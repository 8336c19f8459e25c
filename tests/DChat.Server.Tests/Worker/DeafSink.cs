using DChat.Server.Worker.Host;

namespace DChat.Server.Tests.Worker;

/// <summary>A gateway that does nothing with what it is told.</summary>
internal sealed class DeafSink : IRoomSink
{
    public void Publish(RoomBatch batch)
    {
    }

    public void Skip(long rev)
    {
    }

    public void PublishSoft(byte[] frame)
    {
    }

    public void TellRead(string user, long seq)
    {
    }

    public void Lost()
    {
    }
}
