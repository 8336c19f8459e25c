using System.Collections.Frozen;
using DChat.Core.Placement;
using DChat.Core.Registry;

namespace DChat.Server.Coordinator.Workers;

using Worker = DChat.Core.Registry.Worker;

/// <summary>Finds dead workers for a leader, during one term: what <see cref="FailureDetector"/> makes of what is heard, in words.</summary>
internal sealed partial class WorkerLookout : IDisposable
{
    /// <summary>A leader that never heard anybody in its term lets another try after so many silences.</summary>
    private const int NeverHeard = 10;

    private readonly RegistryReplica _replica;
    private readonly WorkerWatch _watch;
    private readonly CoordinatorOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly FailureDetectorOptions _patient;
    private readonly OwnPulse _pulse;
    private readonly TimeSpan _electedAt;
    private readonly Dictionary<string, (string Incarnation, TimeSpan At)> _expected = new(StringComparer.Ordinal);
    private FailureDetector _detector;
    private bool _wasAnybodyHeard;
    private bool _isDeaf;
    private bool _isHolding;
    private IReadOnlySet<string> _missing = FrozenSet<string>.Empty;

    public WorkerLookout(RegistryReplica replica, WorkerWatch watch, CoordinatorOptions options, TimeProvider time, ILogger log)
    {
        (_replica, _watch, _options, _time, _log) = (replica, watch, options, time, log);
        _pulse = new OwnPulse(time);
        _electedAt = Now;
        _detector = new FailureDetector(_electedAt);
        _patient = new FailureDetectorOptions(options.WorkerSilence, options.WorkerClosed, WorkerReports.Interval, Patience: options.WorkerSilence);
    }

    private TimeSpan Now => _time.GetElapsedTime(0);

    /// <summary>The only coordinator of a cluster has nobody to resign for; one that was just elected, to hear whom others did not, is to decide.</summary>
    private bool MayResign => !_options.StartsAsLeader && Now - _electedAt > _options.WorkerSilence * (_wasAnybodyHeard ? 2 : NeverHeard);

    /// <summary>Workers that are not heard, and of which it is not known whether they died. To be read by any thread.</summary>
    public IReadOnlySet<string> Missing => Volatile.Read(ref _missing);

    /// <summary>Who died since the last look, and how, for people.</summary>
    /// <exception cref="LeaderCutOffException">It seems to be this leader that is cut off, and another may lead.</exception>
    public List<(Worker Worker, string Why)> FindDead()
    {
        if (_pulse.TakeHeldUp() is { Ticks: > 0 } heldUp)
        {
            HeldUp(_log, heldUp.TotalSeconds);
            _detector = _detector.Anew(Now);
        }

        // Who waits for approval has no rooms to lose, and must not lose its waiting.
        var expected = _replica.State.Workers().Where(worker => worker.State is WorkerState.Active or WorkerState.Draining).ToList();
        var left = expected.Where(worker => SightOf(worker) is { HasLeft: true }).Select(worker => (worker, "it left")).ToList();
        var hearings = expected.Where(worker => SightOf(worker) is not { HasLeft: true }).Select(Hear).ToList();
        var detecting = _options.StartsAsLeader || MayResign ? _patient : _patient with { Patience = TimeSpan.Zero };
        (_detector, var verdict) = _detector.Look(Now, hearings, detecting);
        Volatile.Write(ref _missing, verdict.IsDeaf ? hearings.Where(IsMissing).Select(hearing => hearing.Worker).ToFrozenSet() : verdict.Held.ToFrozenSet());
        Tell(verdict, hearings.Count);
        _wasAnybodyHeard |= !verdict.IsDeaf && hearings.Count > 0;
        if (MayResign && (verdict.IsDeaf || verdict.Held.Count > 0))
        {
            throw new LeaderCutOffException(verdict.IsDeaf ? $"none of {hearings.Count} workers is heard" : $"{verdict.Held.Count} of {hearings.Count} workers fell silent together");
        }

        foreach (var gone in _expected.Keys.Where(id => !expected.Exists(worker => worker.Id == id)).ToList())
        {
            _expected.Remove(gone); // Whoever registers anew is expected from then on.
        }

        var names = expected.ToDictionary(worker => worker.Id, StringComparer.Ordinal);
        return [.. left, .. verdict.Dead.Select(dead => (names[dead.Key], Why(dead.Value)))];
    }

    public void Dispose() => _pulse.Dispose();

    private Sight? SightOf(Worker worker) => _watch.Find(worker.Id) is { } sight && sight.Peer.Incarnation == worker.Incarnation ? sight : null;

    private Hearing Hear(Worker worker)
    {
        if (!_expected.TryGetValue(worker.Id, out var since) || since.Incarnation != worker.Incarnation)
        {
            _expected[worker.Id] = since = (worker.Incarnation, Now);
        }

        var heardAt = SightOf(worker) switch
        {
            null => since.At,
            { IsHere: true } => Now,
            var sight => TimeSpan.FromTicks(Math.Max((Now - sight.SilentFor).Ticks, since.At.Ticks)),
        };
        return new Hearing(worker.Id, heardAt, SightOf(worker)?.ClosedFor is { } closed && Now - closed > since.At ? Now - closed : null);
    }

    private bool IsMissing(Hearing hearing) => hearing.ClosedAt is { } closed ? Now - closed > _options.WorkerClosed : Now - hearing.HeardAt > _options.WorkerSilence;

    /// <summary>Each change once.</summary>
    private void Tell(FailureVerdict verdict, int workers)
    {
        var isHolding = verdict.Held.Count > 0;
        if (verdict.IsDeaf && !_isDeaf)
        {
            Deaf(_log, workers);
        }
        else if (isHolding && !_isHolding)
        {
            Holding(_log, verdict.Held.Count, workers, _patient.Patience.TotalSeconds);
        }
        else if (_isDeaf && !verdict.IsDeaf)
        {
            HeardAgain(_log);
        }

        (_isDeaf, _isHolding) = (verdict.IsDeaf, isHolding);
    }

    private string Why(Death death) => death == Death.Closed
        ? $"its connection closed and it did not come back within {_options.WorkerClosed.TotalSeconds:0.0} s"
        : $"it was silent for {_options.WorkerSilence.TotalSeconds:0.0} s or longer";

    [LoggerMessage(2074, LogLevel.Warning, "none of {Workers} workers is heard: this coordinator may be cut off. Rooms stay where they are until one is heard")]
    private static partial void Deaf(ILogger log, int workers);

    [LoggerMessage(2075, LogLevel.Warning, "{Silent} of {Workers} workers fell silent together: this coordinator may be cut off. Their rooms go to others if they stay silent for {Seconds:0.0} s more")]
    private static partial void Holding(ILogger log, int silent, int workers, double seconds);

    [LoggerMessage(2076, LogLevel.Information, "workers are heard again; the silence of the others counts from now on")]
    private static partial void HeardAgain(ILogger log);

    [LoggerMessage(2077, LogLevel.Warning, "this coordinator was held up for {Seconds:0.0} s: workers' silence counts from now on")]
    private static partial void HeldUp(ILogger log, double seconds);
}

/// <summary>This leader is cut off from most workers.</summary>
internal sealed class LeaderCutOffException(string message) : Exception(message);
