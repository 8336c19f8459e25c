namespace DChat.Server.Worker.Host;

internal enum PresenceState : byte
{
    Offline = 0,
    Away = 1,
    Online = 2,
}

/// <summary>
/// Who is online in a room. Changes gather and are told at most once a second; going offline waits, since most who vanish
/// are back at once. Not thread-safe: its room's lock guards it.
/// </summary>
internal sealed class RoomPresence
{
    /// <summary>The least time between two presence events of a room, in milliseconds.</summary>
    public const int CoalesceMs = 1_000;

    /// <summary>How long a user who vanished still counts as there, in milliseconds.</summary>
    public const int OfflineAfterMs = 5_000;

    private readonly Dictionary<string, Entry> users = new(StringComparer.Ordinal);
    private readonly HashSet<string> changed = new(StringComparer.Ordinal);
    private int leaving;
    private long toldAt;

    /// <summary>How many are online now, away included.</summary>
    public int Online => users.Count;

    /// <summary>Grows with every change of who is here: what was serialized for one version serves all readers of it.</summary>
    public long Version { get; private set; }

    /// <summary>There is something to tell or to wait for.</summary>
    public bool IsPending => changed.Count > 0 || leaving > 0;

    public IEnumerable<string> Names => users.Keys;

    public bool Has(string user) => users.ContainsKey(user);

    public void Announce(string user, PresenceState state, long nowMs)
    {
        var known = users.TryGetValue(user, out var entry);
        if (state == PresenceState.Offline)
        {
            if (known && entry.LeavesAt == 0)
            {
                users[user] = entry with { LeavesAt = nowMs + OfflineAfterMs };
                leaving++;
            }

            return;
        }

        if (known && entry.LeavesAt != 0)
        {
            leaving--;
        }

        users[user] = new Entry(state, 0);
        if (!known || entry.State != state)
        {
            changed.Add(user);
            Version++;
        }
    }

    /// <summary>A user who is no member any more is gone at once.</summary>
    public void Remove(string user)
    {
        if (users.Remove(user, out var entry))
        {
            leaving -= entry.LeavesAt != 0 ? 1 : 0;
            changed.Add(user);
            Version++;
        }
    }

    /// <summary>The changes to tell now, or null while there are none or it is too early.</summary>
    public List<(string User, PresenceState State)>? Take(long nowMs)
    {
        if (nowMs - toldAt < CoalesceMs && toldAt != 0)
        {
            return null;
        }

        if (leaving > 0)
        {
            Expire(nowMs);
        }

        if (changed.Count == 0)
        {
            return null;
        }

        toldAt = nowMs;
        var told = new List<(string, PresenceState)>(changed.Count);
        foreach (var user in changed)
        {
            told.Add((user, users.TryGetValue(user, out var entry) ? entry.State : PresenceState.Offline));
        }

        changed.Clear();
        return told;
    }

    private void Expire(long nowMs)
    {
        List<string>? gone = null;
        foreach (var (user, entry) in users)
        {
            if (entry.LeavesAt != 0 && entry.LeavesAt <= nowMs)
            {
                (gone ??= []).Add(user);
            }
        }

        foreach (var user in gone ?? [])
        {
            Remove(user);
        }
    }

    private readonly record struct Entry(PresenceState State, long LeavesAt);
}
