using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Worker.Hub;
using DChat.Server.Worker.Transport;
using RoomEvent = DChat.Core.Messages.RoomEvent;

namespace DChat.Server.Worker.Host;

/// <summary>Turns committed changes into frames, once for all members, and hands them to the gateways in order.</summary>
internal sealed class RoomPublisher(HostLoad load)
{
    /// <summary>A frame is ended when it is larger, in bytes; a slow client loses no more at once.</summary>
    private const int FrameBytes = 128 * 1024;

    private readonly List<Slice> slices = [];

    /// <summary>Publishes the events among the results of one write.</summary>
    public void Publish(HostedRoom room, IReadOnlyList<ChangeResult> results)
    {
        var at = 0;
        while (Next(results, ref at) is { } first)
        {
            var batch = Frame(room.Id, first, results, ref at);
            lock (room.Gate)
            {
                foreach (var slice in slices)
                {
                    room.Ring.Add(slice.Rev, slice.Seq, batch.Frame.AsMemory(slice.Start, slice.Length), slice.Reacted, slice.SentAt);
                }

                room.PublishedRev = batch.LastRev;
                room.Recent.Add(batch);
                room.LastSentAt = Math.Max(room.LastSentAt, slices[^1].SentAt);
                load.Published(room, batch.Count);
                foreach (var sink in room.Sinks)
                {
                    sink.Publish(batch);
                }
            }
        }
    }

    /// <summary>Where changes were committed that nobody was told, says so: subscriptions go on by resuming. Under the room's lock.</summary>
    public static void SkipTo(HostedRoom room, long rev)
    {
        if (room.PublishedRev == rev)
        {
            return;
        }

        room.PublishedRev = rev;
        room.Ring.Reset(rev);
        room.Recent.Clear();
        foreach (var sink in room.Sinks)
        {
            sink.Skip(rev);
        }
    }

    private static RoomEvent? Next(IReadOnlyList<ChangeResult> results, ref int at)
    {
        while (at < results.Count)
        {
            if (results[at++].Event is { } change)
            {
                return change;
            }
        }

        return null;
    }

    private RoomBatch Frame(string room, RoomEvent first, IReadOnlyList<ChangeResult> results, ref int at)
    {
        slices.Clear();
        var text = HubText.Begin();
        var json = text.Json;
        json.WriteStartObject();
        json.WriteNumber("type"u8, HubRecord.Invocation);
        json.WriteString("target"u8, HubEvents.Events);
        json.WriteStartArray("arguments"u8);
        json.WriteStartObject();
        json.WriteString("room"u8, room);
        json.WriteStartArray("events"u8);
        var change = first;
        while (true)
        {
            var (start, end) = MessageText.Write(text, change);
            var message = change.Message;
            slices.Add(new Slice(change.Rev, message.Seq, message.SentAt, start, end - start, message.Reactions.Count > 0));
            if (text.Length > FrameBytes || Next(results, ref at) is not { } next)
            {
                break;
            }

            change = next;
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
        var record = text.End();
        var frame = WebSocketFrame.Text(record);
        var header = frame.Length - record.Length;
        for (var i = 0; i < slices.Count; i++)
        {
            slices[i] = slices[i] with { Start = slices[i].Start + header };
        }

        return new RoomBatch(room, first.Rev, change.Rev, frame, slices.Count);
    }

    private readonly record struct Slice(long Rev, long Seq, long SentAt, int Start, int Length, bool Reacted);
}
