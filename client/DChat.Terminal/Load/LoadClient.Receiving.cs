using System.Text;
using System.Text.Json;
using DChat.Protocol;
using DChat.Terminal.Load.Wire;

namespace DChat.Terminal.Load;

/// <summary>What a client does with what it is sent: most of it is recognized by its bytes, and the rest is read.</summary>
internal sealed partial class LoadClient
{
    int IRecordHandler.TakeKnown(ReadOnlySpan<byte> payload)
    {
        var taken = 0;
        while (_latest is { } latest
            && latest.Room.FindKnown(latest.NextRev) is { } known
            && payload[taken..].StartsWith(known.Bytes))
        {
            latest.Deliver(known, _recorder!, _now);
            taken += known.Bytes.Length;
        }

        return taken;
    }

    void IRecordHandler.OnRecord(ReadOnlySpan<byte> record)
    {
        if (record.StartsWith(EventsPrefix) && TryTakeEvents(record))
        {
            return;
        }

        var parsed = HubRecord.Parse(record);
        switch (parsed.Type)
        {
            case HubRecord.Completion:
                OnCompletion(parsed);
                break;
            case HubRecord.Invocation:
                OnInvocation(parsed, record);
                break;
            case HubRecord.Close:
                LastFailure = $"the server closed: {parsed.Error ?? "without a reason"}";
                break;
        }
    }

    void IRecordHandler.OnControl(int opcode, ReadOnlySpan<byte> payload)
    {
        if (opcode == Opcodes.Ping)
        {
            _connection?.Pong(payload);
        }
        else if (opcode == Opcodes.Close)
        {
            LastFailure ??= $"the server closed the WebSocket: {(payload.Length > 2 ? Encoding.UTF8.GetString(payload[2..]) : "without a reason")}";
            throw new IOException(LastFailure);
        }
    }

    /// <summary>The usual way of a record of a client with several rooms: find the room, then recognize the bytes.</summary>
    private bool TryTakeEvents(ReadOnlySpan<byte> record)
    {
        var rest = record[EventsPrefix.Length..];
        var membership = FindMembership(rest[..Math.Max(0, rest.IndexOf((byte)'"'))]);
        if (membership is null)
        {
            return false;
        }

        _latest = membership;
        if (membership.Room.FindKnown(RevIn(rest)) is { } known && record.SequenceEqual(known.Bytes.AsSpan(..^1)))
        {
            membership.Deliver(known, _recorder!, _now);
            return true;
        }

        return false;
    }

    private static long RevIn(ReadOnlySpan<byte> rest)
    {
        var at = rest.IndexOf("\"rev\":"u8);
        return at >= 0 && System.Buffers.Text.Utf8Parser.TryParse(rest[(at + 6)..], out long rev, out _) ? rev : -1;
    }

    private Membership? FindMembership(ReadOnlySpan<byte> room)
    {
        if (_latest is { } latest && room.SequenceEqual(latest.Room.IdUtf8))
        {
            return latest;
        }

        foreach (var membership in _memberships)
        {
            if (room.SequenceEqual(membership.Room.IdUtf8))
            {
                return membership;
            }
        }

        return null;
    }

    private void OnInvocation(in HubRecord parsed, ReadOnlySpan<byte> record)
    {
        if (parsed.Target.SequenceEqual("events"u8))
        {
            _events.Clear();
            var membership = FindMembership(_run.Messages.ReadEvents(parsed.Argument, _events));
            if (membership?.Room.Learn(record, _events) is { } known)
            {
                membership.Deliver(known, _recorder!, _now);
            }
        }
        else if (parsed.Target.SequenceEqual("resync"u8))
        {
            _run.CountResync();
            if (FindMembership(RoomIn(parsed.Argument)) is { } membership)
            {
                RequestPage(membership);
            }
        }
        else if (parsed.Target.SequenceEqual("reconnect"u8))
        {
            LeaveAfter(JsonSerializer.Deserialize(parsed.Argument, ProtocolJson.Wire.ReconnectAsked)!.AfterMs);
        }
        else if (parsed.Target.SequenceEqual("reconnectSpread"u8))
        {
            SpreadOver(JsonSerializer.Deserialize(parsed.Argument, ProtocolJson.Wire.ReconnectSpread)!.Ms);
        }
        else if (parsed.Target.SequenceEqual("signedOut"u8))
        {
            LastFailure = "the server signed the client out";
            throw new IOException(LastFailure);
        }
    }

    private static ReadOnlySpan<byte> RoomIn(ReadOnlySpan<byte> argument)
    {
        var reader = new System.Text.Json.Utf8JsonReader(argument);
        JsonWalk.Begin(ref reader);
        while (JsonWalk.NextProperty(ref reader))
        {
            if (reader.ValueTextEquals("room"u8))
            {
                reader.Read();
                return reader.ValueSpan;
            }

            JsonWalk.SkipValue(ref reader);
        }

        return [];
    }

    private void OnCompletion(in HubRecord parsed)
    {
        if (!HubCalls.TryReadInvocationId(parsed.InvocationId, out var isSend, out var id))
        {
            throw new InvalidDataException("the server answered a call that was never made");
        }

        if (!isSend)
        {
            _calls.Complete(id, parsed.Result, parsed.Error);
        }
        else if (parsed.Error is null)
        {
            OnAcknowledged(id, HubCalls.ReadSendAnswer(parsed.Result));
        }
        else
        {
            OnRefused(id, parsed.Error);
        }

        if (WasAskedToLeave)
        {
            LeaveIfAnswered();
        }
    }
}
