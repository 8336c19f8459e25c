namespace DChat.Server.Worker.Host;

/// <summary>Who is typing in a room. Told at most once a second. Not thread-safe: its room's lock guards it.</summary>
internal sealed class RoomTyping
{
    /// <summary>How long one <c>typing</c> call lasts, in milliseconds.</summary>
    public const int LastsMs = 5_000;

    /// <summary>The most users shown; above it the event would say nothing.</summary>
    public const int UsersMax = 20;

    private readonly Dictionary<string, long> until = new(StringComparer.Ordinal);
    private bool changed;
    private long toldAt;

    public bool IsPending => changed || until.Count > 0;

    public void Start(string user, long nowMs)
    {
        if (until.ContainsKey(user) || until.Count < UsersMax)
        {
            changed |= !until.ContainsKey(user);
            until[user] = nowMs + LastsMs;
        }
    }

    public void Stop(string user) => changed |= until.Remove(user);

    /// <summary>Who is typing is told even where it did not change: gateways come from another host.</summary>
    public void TellAll() => changed = true;

    /// <summary>Who is typing, where that is to be told now; else null.</summary>
    public IReadOnlyList<string>? Take(long nowMs)
    {
        foreach (var (user, end) in until)
        {
            if (end <= nowMs)
            {
                until.Remove(user); // Removing the current entry is allowed while a dictionary is enumerated.
                changed = true;
            }
        }

        if (!changed || (toldAt != 0 && nowMs - toldAt < RoomPresence.CoalesceMs))
        {
            return null;
        }

        changed = false;
        toldAt = nowMs;
        return [.. until.Keys];
    }
}
