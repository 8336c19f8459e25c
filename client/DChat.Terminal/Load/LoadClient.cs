using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using DChat.Protocol;
using DChat.Terminal.Load.Checking;
using DChat.Terminal.Load.Wire;

namespace DChat.Terminal.Load;

/// <summary>The server refused a call, or the connection was lost before the answer.</summary>
internal sealed class HubCallException(string method, string code, string message) : Exception($"{method}: {message}")
{
    public string Code { get; } = code;
}

/// <summary>
/// One user with one connection: follows its rooms, sends, and notes for the checker what it is shown.
/// What arrives is handled by one thread at a time; sends may come from another.
/// </summary>
internal sealed partial class LoadClient : IRecordHandler
{
    private static ReadOnlySpan<byte> EventsPrefix => "{\"type\":1,\"target\":\"events\",\"arguments\":[{\"room\":\""u8;

    private readonly LoadRun _run;
    private readonly SendLog _log;
    private readonly Membership[] _memberships;
    private readonly Dictionary<string, Membership> _byRoom;
    private readonly HubCallsInFlight _calls = new();
    private readonly InFlight _inFlight = new();
    private readonly Lock _gate = new();
    private readonly List<MessageFacts> _events = [];
    private readonly Action<long> _onBurst;
    private readonly Action _afterBurst;

    private LoadConnection? _connection;
    private LoadMeter.Recorder? _recorder;
    private Membership? _latest;
    private long _now;
    private int _nextRoom;
    private volatile bool _isUp;

    public LoadClient(LoadRun run, int index, string user, string? token, IEnumerable<LoadRoom> rooms)
    {
        _run = run;
        _log = run.AddSender();
        Index = index;
        User = user;
        Token = token;
        _memberships = [.. rooms.Select(room => new Membership(room, index, run))];
        _byRoom = _memberships.ToDictionary(membership => membership.Room.Id, StringComparer.Ordinal);
        _latest = _memberships.Length == 1 ? _memberships[0] : null;
        _nextRoom = _memberships.Length == 0 ? 0 : index % _memberships.Length;
        _onBurst = OnBurst;
        _afterBurst = FillWindow;
    }

    /// <summary>Position among the clients, and as a sender.</summary>
    public int Index { get; }

    public string User { get; }

    public string? Token { get; set; }

    public IReadOnlyList<Membership> Memberships => _memberships;

    /// <summary>Whether it may send: chosen by the scenario.</summary>
    public bool IsSender { get; set; }

    public bool HasLeft { get; private set; }

    /// <summary>How many more it may send; null: no end.</summary>
    public int? Quota { get; set; }

    /// <summary>Connected, synced and repeating done.</summary>
    public bool IsUp => _isUp;

    /// <summary>Whether all rooms are followed live, without a gap before.</summary>
    public bool IsCaughtUp => _isUp && Array.TrueForAll(_memberships, membership => membership.IsLive);

    /// <summary>Why the connection ended last.</summary>
    public string? LastFailure { get; private set; }

    /// <summary>To which it is connected, or was last.</summary>
    public Uri? Server { get; private set; }

    public int Unanswered
    {
        get
        {
            lock (_gate)
            {
                return _inFlight.Count;
            }
        }
    }

    public LoadConnection? Connection => _connection;

    /// <summary>Connects, follows the rooms, and stays until the connection ends or <paramref name="cancellation"/> ends it.</summary>
    /// <param name="onUp">Called when the client follows its rooms.</param>
    public async Task RunOnceAsync(Uri server, int bufferBytes, Action onUp, CancellationToken cancellation)
    {
        await using var connection = await LoadConnection.OpenAsync(server, Token, bufferBytes, (uint)(Index * 2654435761), cancellation);
        lock (_gate)
        {
            (_connection, Server, WasAskedToLeave) = (connection, server, false);
        }

        try
        {
            RequestSync(onUp);
            await connection.ReceiveAsync(this, _onBurst, _afterBurst, cancellation);
            LastFailure ??= "the server closed the connection";
        }
        catch (Exception failure) when (IsLoss(failure) || (failure is OperationCanceledException && cancellation.IsCancellationRequested))
        {
            LastFailure = failure.Message;
        }
        finally
        {
            GoDown();
        }
    }

    /// <summary>What a broken connection throws; anything else is a defect.</summary>
    public static bool IsLoss(Exception failure) =>
        failure is IOException or SocketException or ObjectDisposedException or AuthenticationException or ConnectRefusedException;

    /// <summary>The client goes: its connection ends and is not made again until <see cref="Return"/>.</summary>
    public void Leave()
    {
        HasLeft = true;
        _connection?.Abort();
    }

    public void Return() => HasLeft = false;

    public void NoteFailure(string failure) => LastFailure = failure;

    /// <summary>Sends to the next of its rooms; false where it cannot now.</summary>
    /// <param name="dueTicks">When it was due: latency counts from there.</param>
    public bool TrySend(long dueTicks, int inFlightMax)
    {
        lock (_gate)
        {
            if (!_isUp || _memberships.Length == 0 || _inFlight.Count >= inFlightMax || Quota <= 0 || !_run.CountSend())
            {
                return false;
            }

            Quota--;

            var room = _memberships[_nextRoom].Room;
            _nextRoom = (_nextRoom + 1) % _memberships.Length;
            var number = _log.Add(room.Index, dueTicks);
            _inFlight.Add(number);
            Write(room, number);
            return true;
        }
    }

    /// <summary>Calls a hub method; <paramref name="onResult"/> sees the raw answer.</summary>
    public Task CallAsync<T>(string method, T argument, JsonTypeInfo<T> type, ResultHandler onResult)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Call(
            method,
            argument,
            type,
            result =>
            {
                onResult(result);
                done.TrySetResult();
            },
            (code, text) => done.TrySetException(new HubCallException(method, code, text)));
        return done.Task;
    }

    /// <summary>Keeps the connection alive; ends one that has been silent for too long.</summary>
    public void KeepAlive(long now, long pingAfterMs, long silentMs)
    {
        if (_connection is not { } connection || !_isUp)
        {
            return;
        }

        if (now - connection.LastReceivedMs > silentMs)
        {
            LastFailure = $"the server was silent for {silentMs} ms";
            connection.Abort();
        }
        else if (now - connection.LastSentMs > pingAfterMs)
        {
            Write(HubCalls.Ping);
        }
    }

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

    private void OnAcknowledged(int number, SendAnswer answer)
    {
        lock (_gate)
        {
            if (!_inFlight.Remove(number))
            {
                return;
            }

            _log.Acknowledge(number, answer.Seq, answer.Rev);
        }

        ref var send = ref _log[number];
        _recorder!.Acknowledged(send.SentTicks, _now);
        _run.Observer?.Acknowledged(Index, send.Room, send.SentTicks, _now);
        if (_run.Options.MarkRead)
        {
            NoteOwn(send.Room, answer.Seq);
        }
    }

    private void OnRefused(int number, string message)
    {
        var error = HubError.TryParse(message);
        if (error is null || !ErrorCodes.IsRetryable(error.Code))
        {
            lock (_gate)
            {
                _inFlight.Remove(number);
                _log.Refuse(number);
            }

            _run.CountRefusal(message);
            return;
        }

        _run.CountHeldBack(message);
        lock (_gate)
        {
            _inFlight.HoldBack(number);
            _log.CallAgain(number);
        }

        _run.Later.Add(TimeSpan.FromMilliseconds(Math.Max(error.RetryAfterMs ?? 100, 1)), () => CallAgain(number));
    }

    private void CallAgain(int number)
    {
        lock (_gate)
        {
            if (_inFlight.Release(number) && _isUp)
            {
                Write(_run.Rooms[_log[number].Room], number);
            }
        }
    }

    private void OnBurst(long now)
    {
        _now = now;
        _recorder = _run.Meter.Mine;
    }

    /// <summary>A sender that goes as fast as it can sends on as soon as it is answered.</summary>
    private void FillWindow()
    {
        if (IsSender)
        {
            StartWindow();
        }
    }

    /// <summary>Sends until as many are unanswered as may be.</summary>
    public void StartWindow()
    {
        while (_run.Window is var window and > 0 && TrySend(LoadRun.Now, window))
        {
        }
    }

    private void RequestSync(Action onUp)
    {
        if (_run.Options.Bare)
        {
            JoinBareRooms(onUp);
            return;
        }

        AwaitPages();
        var revs = _memberships.Where(membership => membership.LastRev is not null)
            .ToDictionary(membership => membership.Room.Id, membership => membership.LastRev!.Value, StringComparer.Ordinal);
        Call(
            HubMethods.Sync,
            new SyncRequest(revs),
            ProtocolJson.Wire.SyncRequest,
            answer =>
            {
                _run.Syncs.ReadSync(answer, OnSynced);
                GoUp(onUp);
            },
            (code, text) => RetryOrGiveUp(HubMethods.Sync, code, text, () =>
            {
                Array.ForEach(_memberships, static membership => membership.PageFailed());
                RequestSync(onUp);
            }));
    }

    private void AwaitPages()
    {
        // Pages that a resync had asked for meanwhile still come, and count.
        Array.ForEach(_memberships, static membership => membership.AwaitPage());
    }

    private void JoinBareRooms(Action onUp)
    {
        AwaitPages();
        var left = _memberships.Length;
        foreach (var membership in _memberships)
        {
            Call(
                "join",
                new RoomRequest(membership.Room.Id),
                ProtocolJson.Wire.RoomRequest,
                _ =>
                {
                    membership.CatchUp(new SyncedRoom());
                    if (--left == 0)
                    {
                        GoUp(onUp);
                    }
                },
                (code, text) => RetryOrGiveUp("join", code, text, () => throw new IOException(text)));
        }
    }

    private void OnSynced(SyncedRoom synced)
    {
        if (_byRoom.TryGetValue(synced.Room, out var membership) && !membership.CatchUp(synced))
        {
            RequestPage(membership);
        }
    }

    private void RequestPage(Membership membership)
    {
        membership.AwaitPage();
        Call(
            HubMethods.Subscribe,
            new SubscribeRequest(membership.Room.Id, membership.LastRev),
            ProtocolJson.Wire.SubscribeRequest,
            answer => OnSynced(_run.Syncs.ReadSubscribe(answer)),
            (code, text) => RetryOrGiveUp(HubMethods.Subscribe, code, text, () =>
            {
                membership.PageFailed();
                RequestPage(membership);
            }));
    }

    private void RetryOrGiveUp(string method, string code, string text, Action again)
    {
        if (!ErrorCodes.IsRetryable(code))
        {
            _run.CountRefusal($"{method}: {text}");
            LastFailure = $"{method}: {text}";
        }
        else if (_connection is { } connection)
        {
            _run.CountHeldBack($"{method}: {text}");
            _run.Later.Add(TimeSpan.FromMilliseconds(100), () =>
            {
                if (ReferenceEquals(connection, _connection))
                {
                    again();
                }
            });
        }
    }

    private void Call<T>(string method, T argument, JsonTypeInfo<T> type, ResultHandler onResult, Action<string, string> onError)
    {
        var id = _calls.Add(onResult, onError);
        Write(HubCalls.Call(id, method, argument, type));
        if (_connection is null)
        {
            // The connection was lost, perhaps before this call was listed among those that fail with it.
            _calls.Fail(id, ErrorCodes.Unavailable, LastFailure ?? "not connected");
        }
    }

    private void GoUp(Action onUp)
    {
        lock (_gate)
        {
            _isUp = !WasAskedToLeave;
            foreach (var number in _inFlight.ToRepeat())
            {
                Write(_run.Rooms[_log[number].Room], number);
            }
        }

        onUp();
    }

    private void GoDown()
    {
        lock (_gate)
        {
            _isUp = false;
            _connection = null;
            _run.CountRepeated(_inFlight.ToRepeat().Count);
        }

        foreach (var membership in _memberships)
        {
            membership.ConnectionLost();
        }

        _calls.FailAll(ErrorCodes.Unavailable, LastFailure ?? "the connection was lost");
    }

    private void Write(LoadRoom room, int number)
    {
        Span<byte> record = stackalloc byte[0];
        var needed = HubCalls.SendOverhead + room.IdUtf8.Length + SendContent.ClientIdMax + _run.Content.BodyBytes;
        var buffer = needed <= 1024 ? stackalloc byte[1024] : new byte[needed];
        record = buffer[..HubCalls.WriteSend(buffer, room.IdUtf8, _run.Content, Index, number)];
        Write(record);
    }

    private void Write(ReadOnlySpan<byte> record)
    {
        try
        {
            _connection?.Send(record);
        }
        catch (Exception failure) when (IsLoss(failure))
        {
            // The receiving side meets the same break and decides what follows.
            LastFailure = failure.Message;
        }
    }
}
