using DChat.Protocol;

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

    /// <summary>How long gateways that come from another host may take to announce their users, in milliseconds.</summary>
    public const int AllAfterMs = 2_000;

    private readonly Dictionary<string, Entry> users = new(StringComparer.Ordinal);
    private readonly HashSet<string> changed = new(StringComparer.Ordinal);
    private int leaving;
    private bool isPartlyTold;
    private long allAt;
    private long toldAt;

    /// <summary>How many are online now, away included.</summary>
    public int Online => users.Count;

    /// <summary>Grows with every change of who is here: what was serialized for one version serves all readers of it.</summary>
    public long Version { get; private set; }

    /// <summary>There is something to tell or to wait for.</summary>
    public bool IsPending => changed.Count > 0 || leaving > 0 || allAt != 0;

    public IEnumerable<string> Names => users.Keys;

    public bool Has(string user) => users.ContainsKey(user);

    /// <summary>The gateways at which a user is connected; empty where there is none.</summary>
    public GatewaySeats SeatsOf(string user) => users.GetValueOrDefault(user).Seats;

    /// <summary>A gateway says how a user stands there; a user is here as long as one gateway says so.</summary>
    public void Announce(object gateway, string user, PresenceState state, long nowMs)
    {
        var known = users.TryGetValue(user, out var entry);
        if (state == PresenceState.Offline)
        {
            if (known)
            {
                Without(gateway, user, entry, nowMs);
            }

            return;
        }

        if (known && entry.LeavesAt != 0)
        {
            leaving--;
        }

        var seats = known ? entry.Seats.With(gateway, state) : new GatewaySeats(gateway, state);
        users[user] = new Entry(seats, seats.State, 0);
        if (!known || entry.State != seats.State)
        {
            changed.Add(user);
            Version++;
            isPartlyTold |= users.Count > ProtocolLimits.PresenceNamesMax;
        }
    }

    /// <summary>A gateway is gone, and with it its users where no other one has them.</summary>
    public void Leave(object gateway, long nowMs)
    {
        foreach (var (user, entry) in users)
        {
            Without(gateway, user, entry, nowMs); // Setting an entry that is there is allowed while a dictionary is enumerated.
        }
    }

    /// <summary>The next that is told is everybody who is here, a little later: gateways come and announce their users.</summary>
    public void TellAll(long nowMs) => allAt = allAt == 0 ? nowMs + AllAfterMs : allAt;

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

    /// <summary>What to tell now, or null while there is nothing or it is too early.</summary>
    public PresenceNews? Take(long nowMs)
    {
        if ((nowMs - toldAt < CoalesceMs && toldAt != 0) || nowMs < allAt)
        {
            return null;
        }

        if (leaving > 0)
        {
            Expire(nowMs);
        }

        // While there were too many, not all were told by name: so all are once they are few enough.
        var full = allAt != 0 || (isPartlyTold && users.Count <= ProtocolLimits.PresenceNamesMax);
        if (changed.Count == 0 && !full)
        {
            return null;
        }

        toldAt = nowMs;
        allAt = 0;
        isPartlyTold = users.Count > ProtocolLimits.PresenceNamesMax;
        var told = new List<(string, PresenceState)>(full ? users.Count : changed.Count);
        foreach (var user in full ? users.Keys : (IEnumerable<string>)changed)
        {
            told.Add((user, users.TryGetValue(user, out var entry) ? entry.State : PresenceState.Offline));
        }

        changed.Clear();
        return new PresenceNews(full, told);
    }

    private void Without(object gateway, string user, Entry entry, long nowMs)
    {
        if (!entry.Seats.Has(gateway))
        {
            return;
        }

        var seats = entry.Seats.Without(gateway);
        if (seats.IsEmpty)
        {
            leaving += entry.LeavesAt == 0 ? 1 : 0;
            users[user] = entry with { Seats = seats, LeavesAt = nowMs + OfflineAfterMs };
        }
        else
        {
            users[user] = new Entry(seats, seats.State, 0);
            if (seats.State != entry.State)
            {
                changed.Add(user);
                Version++;
            }
        }
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

    /// <param name="State">The highest of all gateways', or, of one who is leaving, the last.</param>
    /// <param name="LeavesAt">0: does not leave.</param>
    private readonly record struct Entry(GatewaySeats Seats, PresenceState State, long LeavesAt);
}

/// <param name="Full">They are all who are here, instead of changes.</param>
internal sealed record PresenceNews(bool Full, List<(string User, PresenceState State)> Users);
