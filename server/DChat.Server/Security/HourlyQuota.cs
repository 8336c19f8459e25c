namespace DChat.Server.Security;

/// <summary>So many an hour for each key, such as an address or a user.</summary>
/// <param name="limit">0: no limit.</param>
internal sealed class HourlyQuota(int limit, TimeProvider time)
{
    /// <summary>Keys that are remembered at least.</summary>
    private const int Remembered = 50_000;
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly BoundedMap<Taken> _taken = new(Remembered);

    private readonly record struct Taken(int Count, DateTimeOffset Since);

    /// <param name="wait">Where it answers false: how long until there is more.</param>
    public bool TryTake(string key, out TimeSpan wait)
    {
        wait = TimeSpan.Zero;
        if (limit == 0)
        {
            return true;
        }

        lock (_lock)
        {
            var now = time.GetUtcNow();
            if (!_taken.TryGet(key, out var taken) || now - taken.Since >= Hour)
            {
                taken = new Taken(0, now);
            }

            if (taken.Count >= limit)
            {
                wait = taken.Since + Hour - now;
                return false;
            }

            _taken.Set(key, taken with { Count = taken.Count + 1 });
            return true;
        }
    }
}
