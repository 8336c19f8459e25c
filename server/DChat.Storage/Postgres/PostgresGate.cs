using Microsoft.Extensions.Logging;
using Npgsql;

namespace DChat.Storage.Postgres;

/// <summary>
/// Which of the hosts is used, and whether it lets anybody in. While none does (it starts, recovers, is gone, waits to be promoted) a single probe knocks, a
/// few times a second: every knock costs the server a process and a handshake, and what recovers needs its processor for that. Everybody else waits until the
/// probe is let in, and goes on at once then.
/// </summary>
/// <remarks>
/// With several hosts one that is no standby is used, and kept until it refuses, or is silent while another can be written, or another is the primary of a later
/// timeline: then the one in use was left behind by a fail-over, lives on, and perhaps can commit nothing. It is looked for when calls take too long. One that is
/// silent is so asked by the probe alone, and holds nobody up. With one host, a name or an address, a standby is one that lets nobody in: the name leads to
/// the primary soon.
/// </remarks>
internal sealed partial class PostgresGate : IAsyncDisposable
{
    /// <summary>The least time between two knocks, in milliseconds.</summary>
    public const int KnockMs = 200;

    /// <summary>How long a host that can be used waits for what the others say of themselves.</summary>
    private static readonly TimeSpan OthersWithin = TimeSpan.FromMilliseconds(200);

    /// <summary>The least time between two looks at hosts that let in.</summary>
    private static readonly TimeSpan DoubtsApart = TimeSpan.FromSeconds(1);

    /// <summary>How long anybody waits to be let in: shorter than a call may take, so that it is told why.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>The least time between two words on why nobody is let in: a server that recovers says one thing after the other.</summary>
    private static readonly TimeSpan SayApart = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly PostgresUrl _url;
    private readonly NpgsqlDataSource[] _doors;
    private readonly Strays _strays;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _ending = new();
    private volatile Closed? _closed;
    private volatile int _host;
    private PostgresLine _line;
    private bool _isKnocking;
    private long? _knockedAt;
    private Task _knocking = Task.CompletedTask;

    /// <param name="doors">A source without a pool for each host of the URL; the gate's own from now on.</param>
    public PostgresGate(PostgresUrl url, NpgsqlDataSource[] doors, Strays strays, TimeProvider time, ILogger log)
    {
        (_url, _doors, _strays, _time, _log) = (url, doors, strays, time, log);
        if (doors.Length > 1)
        {
            _closed = new Closed("none of its hosts was found to be the primary yet", time.GetTimestamp());
            Knock();
        }
    }

    /// <summary>Told of a host whose connections are not to be used any more.</summary>
    public Action<int>? Left { get; set; }

    /// <summary>The host to use, as soon as one lets in.</summary>
    /// <exception cref="Core.Messages.MessageStoreUnavailableException">None does, for longer than anybody waits.</exception>
    public ValueTask<int> EnterAsync(CancellationToken cancellation) => _closed is { } closed ? WaitAsync(closed, cancellation) : new(_host);

    /// <summary>A connection to a host was not to be had.</summary>
    public void Failed(int host, Exception error)
    {
        var isRefusal = PostgresFailures.IsRefusal(error);
        if (!isRefusal && !(_doors.Length > 1 && PostgresFailures.IsSilence(error)))
        {
            return;
        }

        lock (_lock)
        {
            if (host != _host || _ending.IsCancellationRequested)
            {
                return;
            }

            if (isRefusal && _closed is null)
            {
                _closed = new Closed(Reason(error), _time.GetTimestamp());
                Shut(_log, _url.ToString(), _closed.Why, KnockMs);
            }

            Knock();
        }
    }

    /// <summary>
    /// A call took too long, or was told that nothing can be written: perhaps the host in use is not the primary any more. All are looked at again, once a
    /// second at the most; it is used meanwhile.
    /// </summary>
    public void Doubt(Exception error)
    {
        if (!PostgresFailures.IsReadOnly(error) && !(_doors.Length > 1 && PostgresFailures.IsLate(error)))
        {
            return;
        }

        lock (_lock)
        {
            if (!_isKnocking && !_ending.IsCancellationRequested && !(_knockedAt is { } at && _time.GetElapsedTime(at) < DoubtsApart))
            {
                Knock();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        Task knocking;
        lock (_lock)
        {
            knocking = _knocking;
        }

        await knocking;
        foreach (var door in _doors)
        {
            await door.DisposeAsync();
        }

        _ending.Dispose();
    }

    private async ValueTask<int> WaitAsync(Closed closed, CancellationToken cancellation)
    {
        try
        {
            await closed.Opened.Task.WaitAsync(Patience, _time, cancellation);
            return _host;
        }
        catch (TimeoutException)
        {
            throw PostgresFailures.Unavailable(closed.Why, null, _url);
        }
    }

    private void Knock()
    {
        if (!_isKnocking)
        {
            _isKnocking = true;
            _knocking = KnockAsync();
        }
    }

    private async Task KnockAsync()
    {
        await Task.Yield();
        try
        {
            do
            {
                if (_knockedAt is { } at && TimeSpan.FromMilliseconds(KnockMs) - _time.GetElapsedTime(at) is { Ticks: > 0 } pause)
                {
                    await Task.Delay(pause, _time, _ending.Token);
                }

                _knockedAt = _time.GetTimestamp();
            }
            while (!Found(await LookAsync()));
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            // The store closes.
        }
    }

    /// <summary>False where everybody goes on waiting, and it is knocked again.</summary>
    private bool Found(Look look)
    {
        lock (_lock)
        {
            if (look is { Why: { } standby, IsStandby: true } && _closed is null)
            {
                // Those who have a connection cannot know it, or they would have said so.
                _closed = new Closed(standby, _time.GetTimestamp());
                Shut(_log, _url.ToString(), standby, KnockMs);
                Left?.Invoke(_host);
            }

            if (look.Why is { } why && _closed is { } closed)
            {
                if (why != closed.Why && _time.GetElapsedTime(closed.SaidAt) >= SayApart)
                {
                    closed.SaidAt = _time.GetTimestamp();
                    Shut(_log, _url.ToString(), why, KnockMs);
                }

                closed.Why = why;
                return false;
            }

            _isKnocking = false;
            if (look.Why is null)
            {
                _line = look.Line.IsKnown ? look.Line : _line;
                if (look.Host != _host)
                {
                    Moved(_log, _url.Hosts[look.Host], _url.Hosts[_host]);
                    _host = look.Host;
                }
            }

            if (_closed is { } over)
            {
                _closed = null;
                over.Opened.TrySetResult();
                LetIn(_log, _url.ToString(), _url.Hosts[_host], (long)_time.GetElapsedTime(over.Since).TotalMilliseconds);
            }

            return true;
        }
    }

    /// <summary>Asks all hosts at the same time, and waits for the first that can be used, and a moment for the others.</summary>
    private async Task<Look> LookAsync()
    {
        var looks = Enumerable.Range(0, _doors.Length).Select(LookAsync).ToList();
        await foreach (var look in Task.WhenEach(looks))
        {
            if ((await look).Why is null)
            {
                await Task.WhenAny(Task.WhenAll(looks), Task.Delay(OthersWithin, _time, _ending.Token));
                break;
            }
        }

        looks.ForEach(_strays.Keep);
        return Choose([.. looks.Where(look => look.IsCompletedSuccessfully).Select(look => look.Result)]);
    }

    /// <summary>Of those that can be used the one of the latest timeline, and the one in use rather than another of the same.</summary>
    private Look Choose(List<Look> looks)
    {
        var usable = looks.FindAll(look => look.Why is null);
        if (usable.Count == 0)
        {
            var inUse = looks[Math.Max(looks.FindIndex(look => look.Host == _host), 0)];
            return inUse with { Why = string.Join("; ", looks.OrderBy(look => look.Host == inUse.Host ? -1 : look.Host).Select(look => look.Why).Distinct()) };
        }

        var best = usable.FindIndex(look => look.Host == _host);
        var chosen = usable[Math.Max(best, 0)];
        foreach (var look in usable)
        {
            chosen = look.Line.IsAfter(chosen.Line) ? look : chosen;
        }

        return chosen;
    }

    private async Task<Look> LookAsync(int host)
    {
        var before = _line;
        try
        {
            await using var connection = await _doors[host].OpenConnectionAsync(_ending.Token);
            var (isStandby, line) = await PostgresLine.ReadAsync(connection, _ending.Token);
            return isStandby ? new Look(host, $"{_url.Hosts[host]} is a standby", line, IsStandby: true)
                : before.IsAfter(line) ? new Look(host, $"{_url.Hosts[host]} is of timeline {line.Timeline}, and {before.Timeline} was in use", line)
                : new Look(host, null, line);
        }
        catch (Exception error)
        {
            // Whatever else is wrong with the host in use, a password or a limit, its callers shall be told so by itself.
            var isTold = host == _host && !_ending.IsCancellationRequested && !PostgresFailures.IsRefusal(error) && !PostgresFailures.IsSilence(error);
            var why = _doors.Length > 1 ? $"{_url.Hosts[host]}: {Reason(error)}" : Reason(error);
            return new Look(host, isTold ? null : why, isTold ? before : default);
        }
    }

    private static string Reason(Exception error) => error is PostgresException refused ? $"{refused.MessageText} ({refused.SqlState})"
        : error.InnerException is { } inner && inner.Message != error.Message ? $"{error.Message}: {inner.Message}"
        : error.Message;

    [LoggerMessage(5401, LogLevel.Warning, "{Store} lets nobody in; it is asked again every {KnockMs} ms, and what waits goes on as soon as it does: {Why}")]
    private static partial void Shut(ILogger log, string store, string why, int knockMs);

    [LoggerMessage(5402, LogLevel.Information, "{Store} lets in, at {Host}, after {Ms} ms")]
    private static partial void LetIn(ILogger log, string store, string host, long ms);

    [LoggerMessage(5403, LogLevel.Warning, "the messages are at {Host} from now on, no more at {Before}")]
    private static partial void Moved(ILogger log, string host, string before);

    /// <param name="Why">Null: it can be used.</param>
    private readonly record struct Look(int Host, string? Why, PostgresLine Line, bool IsStandby = false);

    private sealed class Closed(string why, long since)
    {
        public TaskCompletionSource Opened { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>What it said last.</summary>
        public string Why { get; set; } = why;

        public long Since { get; } = since;

        public long SaidAt { get; set; } = since;
    }
}
