using System.Collections.Frozen;
using DChat.Core.Placement;
using DChat.Core.Registry;
using DChat.Server.Coordinator.Standby;

namespace DChat.Server.Coordinator.Workers;

using Worker = DChat.Core.Registry.Worker;

/// <summary>Finds dead workers for a leader, during one term: what <see cref="FailureDetector"/> makes of what is heard, in words.</summary>
internal sealed partial class WorkerLookout : IDisposable
{
    /// <summary>A leader listens for so many silences before it thinks of resigning: workers take more than one to come back.</summary>
    private const int ListensFor = 2;

    /// <summary>A leader that never heard anybody in its term, and does not know whether others do, lets another try after so many silences.</summary>
    private const int NeverHeard = 10;

    /// <summary>The same where the standbys that are linked hear nobody either: workers are dead, most likely, or with a coordinator that nobody here hears.</summary>
    private const int NobodyHears = 100;

    private readonly RegistryReplica _replica;
    private readonly WorkerWatch _watch;
    private readonly StandbyWatch _standbys;
    private readonly CoordinatorOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly FailureDetectorOptions _patient;
    private readonly OwnPulse _pulse;
    private readonly TimeSpan _electedAt;
    private TimeSpan _listeningSince;
    private readonly Dictionary<string, (string Incarnation, TimeSpan At)> _expected = new(StringComparer.Ordinal);
    private FailureDetector _detector;
    private bool _wasAnybodyHeard;
    private bool _isDeaf;
    private bool _isHolding;
    private IReadOnlySet<string> _missing = FrozenSet<string>.Empty;

    public WorkerLookout(RegistryReplica replica, WorkerWatch watch, StandbyWatch standbys, CoordinatorOptions options, TimeProvider time, ILogger log)
    {
        (_replica, _watch, _standbys, _options, _time, _log) = (replica, watch, standbys, options, time, log);
        _pulse = new OwnPulse(time);
        _electedAt = _listeningSince = Now;
        _detector = new FailureDetector(_electedAt);
        _patient = new FailureDetectorOptions(options.WorkerSilence, options.WorkerClosed, WorkerReports.Interval, Patience: options.WorkerSilence);
    }

    private TimeSpan Now => _time.GetElapsedTime(0);

    /// <summary>Workers that are not heard, and of which it is not known whether they died. To be read by any thread.</summary>
    public IReadOnlySet<string> Missing => Volatile.Read(ref _missing);

    /// <summary>What became of the workers since the last look.</summary>
    public Findings Look()
    {
        // Who waits for approval has no rooms to lose, and must not lose its waiting.
        var expected = _replica.State.Workers().Where(worker => worker.State is WorkerState.Active or WorkerState.Draining).ToList();
        var left = expected.Where(worker => SightOf(worker) is { HasLeft: true }).Select(worker => (worker, "it left")).ToList();
        var hearings = expected.Where(worker => SightOf(worker) is not { HasLeft: true }).Select(Hear).ToList();
        var now = Now;
        if (_pulse.TakeHeldUp() is { Ticks: > 0 } heldUp)
        {
            // Asked last, as it may have been in the midst of looking: what was seen is old, and nobody is judged by it.
            HeldUp(_log, heldUp.TotalSeconds);
            _listeningSince = Now;
            _detector = _detector.Anew(_listeningSince);
            return Findings.None;
        }

        (_detector, var verdict) = _detector.Look(now, hearings, IsSuccessor(now) ? _patient with { Patience = TimeSpan.Zero } : _patient);
        Volatile.Write(ref _missing, verdict.IsDeaf ? hearings.Where(hearing => IsMissing(hearing, now)).Select(hearing => hearing.Worker).ToFrozenSet() : verdict.Held.ToFrozenSet());
        var hasAnybodyCome = expected.Exists(worker => SightOf(worker) is not null);
        if (hasAnybodyCome && !_wasAnybodyHeard && _isDeaf)
        {
            _listeningSince = now; // The first came late; so may the others, who are waited for from now on.
        }

        _wasAnybodyHeard |= hasAnybodyCome;
        Tell(verdict, hearings.Count);
        var cutOff = WhyCutOff(verdict, hearings, now);
        if (!hasAnybodyCome)
        {
            return new Findings([], cutOff); // Where none has come at all, burying them helps nobody: this leader may be out of their reach.
        }

        foreach (var gone in _expected.Keys.Where(id => !expected.Exists(worker => worker.Id == id)).ToList())
        {
            _expected.Remove(gone); // Whoever registers anew is expected from then on.
        }

        var names = expected.ToDictionary(worker => worker.Id, StringComparer.Ordinal);
        return new Findings([.. left, .. verdict.Dead.Select(dead => (names[dead.Key], Why(dead.Value)))], cutOff);
    }

    public void Dispose()
    {
        _pulse.Dispose();
        Volatile.Write(ref _missing, FrozenSet<string>.Empty);
    }

    private Sight? SightOf(Worker worker) => _watch.Find(worker.Id) is { } sight && sight.Peer.Incarnation == worker.Incarnation ? sight : null;

    private Hearing Hear(Worker worker)
    {
        if (!_expected.TryGetValue(worker.Id, out var since) || since.Incarnation != worker.Incarnation)
        {
            _expected[worker.Id] = since = (worker.Incarnation, Now);
        }

        var heardAt = SightOf(worker) switch
        {
            null => since.At + _options.ElectionGrace - _options.WorkerSilence,
            { IsHere: true } => Now,
            var sight => TimeSpan.FromTicks(Math.Max((Now - sight.SilentFor).Ticks, since.At.Ticks)),
        };
        var closedAt = SightOf(worker)?.ClosedFor is { } closed && Now - closed > since.At ? Now - closed : default(TimeSpan?);

        // Whoever does not come to one of several leaders may be dead, however many they are: another would wait for them in vain, too.
        return new Hearing(worker.Id, heardAt, closedAt, IsGivenUp: !_options.StartsAsLeader && SightOf(worker) is null);
    }

    private bool IsMissing(Hearing hearing, TimeSpan now) => hearing.ClosedAt is { } closed ? now - closed > _options.WorkerClosed : now - hearing.HeardAt > _options.WorkerSilence;

    /// <summary>One of several that was just elected, to hear whom another did not, is to decide and not to wait.</summary>
    private bool IsSuccessor(TimeSpan now) => !_options.StartsAsLeader && now - _electedAt <= _options.WorkerSilence * ListensFor;

    /// <summary>Null also while another could not know better: the only coordinator of a cluster has nobody to resign for, and who was just elected, or held up, has yet to hear.</summary>
    private string? WhyCutOff(FailureVerdict verdict, List<Hearing> hearings, TimeSpan now)
    {
        var listens = _wasAnybodyHeard ? ListensFor : _standbys.Workers switch { null => NeverHeard, 0 => NobodyHears, _ => ListensFor };
        if (_options.StartsAsLeader || now - _listeningSince <= _options.WorkerSilence * listens)
        {
            return null;
        }


        var isDeaf = verdict.IsDeaf && hearings.TrueForAll(hearing => now - hearing.HeardAt > _options.WorkerSilence); // Closed links may be back at once.
        return isDeaf ? $"none of {hearings.Count} workers is heard"
            : verdict.Held.Count > 0 ? $"{verdict.Held.Count} of {hearings.Count} workers fell silent together"
            : null;
    }

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

/// <summary>What a look at the workers brought.</summary>
/// <param name="Dead">Who died, and how, for people.</param>
/// <param name="CutOff">Why another should lead, for people: it seems to be this leader that is cut off. Null: it does not.</param>
internal sealed record Findings(IReadOnlyList<(Worker Worker, string Why)> Dead, string? CutOff)
{
    public static readonly Findings None = new([], null);
}

/// <summary>This leader is cut off from most workers.</summary>
internal sealed class LeaderCutOffException(string message) : Exception(message);
