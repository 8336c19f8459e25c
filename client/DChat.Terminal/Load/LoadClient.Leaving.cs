namespace DChat.Terminal.Load;

/// <summary>How a client goes elsewhere when its server asks for it.</summary>
internal sealed partial class LoadClient
{
    /// <summary>The longest that a server's <c>reconnect</c> may ask for, in milliseconds.</summary>
    private const long StayMax = 60_000;

    /// <summary>How long answers that are outstanding may hold a connection that is to be left. Above the 10 s for which a server holds a call.</summary>
    private static readonly TimeSpan LeaveLimit = TimeSpan.FromSeconds(12);

    /// <summary>The server asked it to go elsewhere, and it did.</summary>
    public bool WasAskedToLeave { get; private set; }

    /// <summary>Over how long the clients of its server come back after a loss, as the SDK's do: not as one.</summary>
    public TimeSpan ReconnectSpread { get; private set; } = TimeSpan.FromMilliseconds(Protocol.ReconnectSpread.UntoldMs);

    private void SpreadOver(long ms) => ReconnectSpread = TimeSpan.FromMilliseconds(Math.Clamp(ms, Protocol.ReconnectSpread.UntoldMs, StayMax));

    /// <summary>The server goes away: the client stays for as long as it says, then sends no more, and goes when all is answered.</summary>
    private void LeaveAfter(long afterMs)
    {
        if (_connection is not { } connection)
        {
            return;
        }

        _run.Later.Add(TimeSpan.FromMilliseconds(Math.Clamp(afterMs, 0, StayMax)), () =>
        {
            lock (_gate)
            {
                if (!ReferenceEquals(connection, _connection))
                {
                    return;
                }

                (_isUp, WasAskedToLeave, LastFailure) = (false, true, "the server asked to leave");
            }

            LeaveIfAnswered();
        });
        _run.Later.Add(TimeSpan.FromMilliseconds(Math.Clamp(afterMs, 0, StayMax)) + LeaveLimit, () =>
        {
            if (ReferenceEquals(connection, _connection))
            {
                connection.Abort();
            }
        });
    }

    private void LeaveIfAnswered()
    {
        lock (_gate)
        {
            if (WasAskedToLeave && _calls.IsEmpty && _inFlight.ToRepeat().Count == 0)
            {
                _connection?.Abort();
            }
        }
    }
}
