using System.Net.Sockets;
using System.Security.Authentication;
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
            SpreadOver(Protocol.ReconnectSpread.UntoldMs);
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
