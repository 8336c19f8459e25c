namespace DChat.Server.Worker.Host;

/// <summary>Committed changes of one room on their way to its members: serialized and framed once for all of them.</summary>
/// <param name="FirstRev">The first change; the changes are contiguous.</param>
/// <param name="Frame">A WebSocket frame with one <c>events</c> call.</param>
/// <param name="Count">How many changes it carries.</param>
internal sealed record RoomBatch(string Room, long FirstRev, long LastRev, byte[] Frame, int Count);

/// <summary>The host's view of a gateway that subscribed to a room. Called one at a time for each room, in order.</summary>
internal interface IRoomSink
{
    /// <summary>The next changes; <see cref="RoomBatch.FirstRev"/> follows the last one told.</summary>
    void Publish(RoomBatch batch);

    /// <summary>Changes up to <paramref name="rev"/> were not told: every subscription must be continued with <c>subscribe</c>.</summary>
    void Skip(long rev);

    /// <summary>A frame that may be lost: presence, typing.</summary>
    void PublishSoft(byte[] frame);

    /// <summary>A user of this gateway has read up to <paramref name="seq"/>, as was said at another gateway. May be lost.</summary>
    void TellRead(string user, long seq);

    /// <summary>The host does not serve the room any more, and has told everything that it committed.</summary>
    void Lost();
}

/// <summary>Who is told how a change ended. Called exactly once, from the host's commit loop: it must not block.</summary>
internal interface IChangeReceiver
{
    void Completed(in ChangeOutcome outcome);
}
