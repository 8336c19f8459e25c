using DChat.Server.Coordinator.Workers;

namespace DChat.Server.Worker;

/// <summary>
/// Looks again and again whether this worker can use its message store, for its reports to the leader: these do not wait for a store that is
/// silent, and say what was found last and when.
/// </summary>
/// <param name="check">Throws where the store cannot be used.</param>
internal sealed class StoreCheck(Func<CancellationToken, Task> check, TimeProvider time)
{
    /// <summary>A store that answers does so sooner, and the report tells of this moment; of one that does not, reports are late by no more.</summary>
    internal static readonly TimeSpan AnswersWithin = TimeSpan.FromMilliseconds(200);

    /// <summary>Reports may come faster than once a second.</summary>
    private static readonly TimeSpan ChecksApart = WorkerReports.Interval / 2;

    private Task<StoreFinding>? _running;
    private StoreFinding? _last;
    private volatile bool _wasWell = true;
    private long _beganAt;

    /// <summary>The latest check that ended went well, or none has. To be asked by any thread.</summary>
    public bool WasWell => _wasWell;

    /// <summary>The latest check that ended, this call's if the store answers soon. One caller at a time.</summary>
    public async Task<StoreFinding> LookAsync()
    {
        var running = await BeginAsync();
        await Task.WhenAny(running, Task.Delay(AnswersWithin, time));
        if (running.IsCompleted)
        {
            await BeginAsync(); // It may have taken long: when the store is back the next report says so.
        }

        return _last ?? new StoreFinding(null, _beganAt);
    }

    /// <summary>A check, where none is running; what the one before found is kept.</summary>
    private async Task<Task> BeginAsync()
    {
        if (_running is { IsCompleted: true })
        {
            _last = await _running;
            _wasWell = _last is { Error: null };
        }

        if (_running is null || (_running.IsCompleted && time.GetElapsedTime(_beganAt) >= ChecksApart))
        {
            _beganAt = time.GetTimestamp();
            _running = CheckAsync(_beganAt);
        }

        return _running;
    }

    private async Task<StoreFinding> CheckAsync(long beganAt)
    {
        using var limit = new CancellationTokenSource(WorkerReports.StoreCheckLimit, time);
        try
        {
            await check(limit.Token);
            return new StoreFinding(null, beganAt);
        }
        catch (OperationCanceledException)
        {
            return new StoreFinding($"it did not answer within {WorkerReports.StoreCheckLimit.TotalSeconds:0} s", beganAt);
        }
        catch (Exception failure)
        {
            return new StoreFinding(failure.Message, beganAt); // Whatever it is, the leader and the administrators are told, and the reports go on.
        }
    }
}

/// <param name="Error">Why the store could not be used; null: it could.</param>
/// <param name="BeganAt">When the check began, a timestamp.</param>
internal readonly record struct StoreFinding(string? Error, long BeganAt);
