namespace DChat.Server.Worker.Host;

/// <summary>
/// What a room was told last, for gateways that come from another host a little later than others. The frames are those of which the room's
/// ring keeps parts, so they cost nothing more. Not thread-safe: its room's lock guards it.
/// </summary>
internal sealed class RecentBatches
{
    private const int BatchesMax = 256;
    private const int BytesMax = RoomRing.BytesMax;

    private readonly Queue<RoomBatch> batches = new();
    private int bytes;

    public void Add(RoomBatch batch)
    {
        batches.Enqueue(batch);
        bytes += batch.Frame.Length;
        while (batches.Count > BatchesMax || (bytes > BytesMax && batches.Count > 1))
        {
            bytes -= batches.Dequeue().Frame.Length;
        }
    }

    public void Clear()
    {
        batches.Clear();
        bytes = 0;
    }

    /// <summary>Tells what came after a revision; there may be a hole before it.</summary>
    public void Replay(long afterRev, IRoomSink sink)
    {
        foreach (var batch in batches)
        {
            if (batch.FirstRev > afterRev)
            {
                sink.Publish(batch);
            }
        }
    }
}
