using System.Collections.Immutable;

namespace DChat.Core.Placement;

/// <summary>
/// How fast rooms are taken from workers that are to have none; pure. A few at a time, so that each pauses for its own move only; of a worker
/// that has many more at a time, so that it is rid of them before its own time is over.
/// </summary>
/// <param name="PerSecond">Rooms of a worker in a second, at least; 1 or more.</param>
/// <param name="Within">A worker has lost all its rooms in this time, where that takes more than <paramref name="PerSecond"/>; more than zero.</param>
/// <param name="Tick">Who is looked at for the first time loses as many rooms as after so long; more than zero.</param>
public sealed record DrainPace(int PerSecond, TimeSpan Within, TimeSpan Tick)
{
    /// <summary>A leader that was held up does not make up for more than this.</summary>
    private static readonly TimeSpan SinceMost = TimeSpan.FromSeconds(1);

    private ImmutableDictionary<string, Drain> _drains = ImmutableDictionary.Create<string, Drain>(StringComparer.Ordinal);

    /// <summary>How many rooms each worker loses now; no more than it has.</summary>
    /// <param name="workers">Those that are to have no rooms, with how many they have, each once.</param>
    public (DrainPace Next, IReadOnlyDictionary<string, int> Due) Look(TimeSpan now, IReadOnlyCollection<(string Worker, int Rooms)> workers)
    {
        var drains = ImmutableDictionary.CreateBuilder<string, Drain>(StringComparer.Ordinal);
        var due = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (worker, rooms) in workers)
        {
            var before = _drains.GetValueOrDefault(worker, new Drain(0, now));
            var drain = new Drain(Math.Max(before.Most, rooms), now);
            var since = TimeSpan.FromTicks(Math.Clamp((now - before.LookedAt).Ticks, Tick.Ticks, SinceMost.Ticks));
            drains.Add(worker, drain);
            due.Add(worker, (int)Math.Min(rooms, Math.Ceiling(Math.Max(PerSecond, drain.Most / Within.TotalSeconds) * since.TotalSeconds)));
        }

        return (this with { _drains = drains.ToImmutable() }, due);
    }

    /// <param name="Most">Rooms that it had since it was looked at first.</param>
    private readonly record struct Drain(int Most, TimeSpan LookedAt);
}
