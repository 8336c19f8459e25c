using System.Collections.Immutable;
using DChat.Core.Registry.Collections;
using DChat.Core.Rooms;

namespace DChat.Core.Registry;

/// <summary>Makes a registry of a snapshot: builds the indexes and the accounts' side of memberships, which are not in it.</summary>
internal sealed class SnapshotLoader(SnapshotReader reader) : SnapshotParts(reader)
{
    private readonly object _owner = new();

    /// <summary>By account: its memberships, in order of rooms, and how many of them are there yet.</summary>
    private readonly List<RoomEntry[]> _memberships = [];
    private readonly List<int> _filled = [];
    private readonly Dictionary<int, List<HandleEntry>> _invited = [];
    private readonly Dictionary<int, List<DirectEntry>> _directs = [];
    private readonly Dictionary<string, List<HandleEntry>> _hosted = new(StringComparer.Ordinal);
    private readonly List<KeyValuePair<string, int>> _roomIds = [];
    private readonly List<KeyValuePair<string, int>> _roomNames = [];
    private readonly List<KeyValuePair<string, ApiToken>> _tokens = [];
    private PersistentVector<Room?> _rooms;
    private PersistentVector<Account> _accounts;
    private RegistryState _rest = RegistryState.Empty;
    private long _membershipCount;
    private int _activeAdmins;

    /// <inheritdoc cref="RegistrySnapshot.Read"/>
    public RegistryState Load()
    {
        ReadAll();
        return new RegistryState
        {
            Index = _rest.Index,
            LastEpoch = _rest.LastEpoch,
            MembershipCount = _membershipCount,
            ActiveAdmins = _activeAdmins,
            Accounts = _accounts,
            AccountsByName = IndexOf([.. Names.Select((name, handle) => KeyValuePair.Create(name, handle))]),
            RoomsByHandle = _rooms,
            RoomsById = IndexOf(_roomIds),
            RoomsByName = IndexOf(_roomNames),
            EndedSessions = _rest.EndedSessions,
            NextSessionSweep = _rest.NextSessionSweep,
            TokensById = IndexOf(_tokens),
            InvitationsByHash = _rest.InvitationsByHash,
            WorkersById = WithRooms(_rest.WorkersById),
            Store = _rest.Store,
            Keys = _rest.Keys,
            AuditRing = _rest.AuditRing,
            AuditCount = _rest.AuditCount,
            Outcomes = _rest.Outcomes,
        };
    }

    protected override void TakeHead(RegistryState head)
    {
        // It comes again with the rest.
    }

    protected override void TakeNameCount(int count)
    {
        // Nothing is reserved for what is only promised.
    }

    protected override string TakeName(string name, int rooms)
    {
        _memberships.Add(rooms == 0 ? [] : new RoomEntry[rooms]);
        _filled.Add(0);
        return name;
    }

    protected override void TakeRoomCount(int count)
    {
        // As with names.
    }

    protected override void TakeRoom(Room room, ReadOnlySpan<RoomEntry> memberships)
    {
        _rooms = _rooms.Append(room, _owner);
        _roomIds.Add(new(room.Id, room.Handle));
        if (room.HoldsName)
        {
            _roomNames.Add(new(RoomName.Fold(room.Name), room.Handle));
        }

        if (room.AssignedTo.Length > 0)
        {
            Add(_hosted, room.AssignedTo, new HandleEntry(room.Handle));
        }

        var at = 0;
        for (var run = 0; run < room.Members.RunCount; run++)
        {
            foreach (ref readonly var member in room.Members.Run(run))
            {
                _memberships[member.Account][_filled[member.Account]++] = memberships[at++];
            }
        }

        _membershipCount += room.MemberCount;
        foreach (var invitation in room.Invitations.After())
        {
            Add(_invited, invitation.Account, new HandleEntry(room.Handle));
        }

        if (room.IsDirect)
        {
            LinkDirect(room);
        }
    }

    protected override void TakeAccount(Account account)
    {
        _accounts = _accounts.Append(
            account with
            {
                Rooms = SortedRuns<RoomEntry>.FromSorted(_memberships[account.Handle]),
                Invitations = SortedRuns<HandleEntry>.FromSorted(_invited.TryGetValue(account.Handle, out var invited) ? [.. invited] : []),
                Directs = SortedRuns<DirectEntry>.FromSorted(_directs.TryGetValue(account.Handle, out var directs) ? [.. directs.OrderBy(direct => direct.Peer)] : []),
            },
            _owner);
        _activeAdmins += account is { IsAdmin: true, CanSignIn: true } ? 1 : 0;
        foreach (var token in account.Tokens)
        {
            _tokens.Add(new(token.Id, token));
        }
    }

    protected override void TakeRest(RegistryState rest) => _rest = rest;

    private void LinkDirect(Room room)
    {
        var members = room.Members.After().Select(member => member.Account).ToList();
        Add(_directs, members[0], new DirectEntry(members[^1], room.Handle));
        if (members.Count == 2)
        {
            Add(_directs, members[1], new DirectEntry(members[0], room.Handle));
        }
    }

    private ImmutableSortedDictionary<string, Worker> WithRooms(ImmutableSortedDictionary<string, Worker> workers)
    {
        foreach (var (worker, rooms) in _hosted)
        {
            workers = workers.SetItem(worker, workers[worker] with { Rooms = SortedRuns<HandleEntry>.FromSorted([.. rooms]) });
        }

        return workers;
    }

    private PersistentMap<string, TValue> IndexOf<TValue>(IReadOnlyList<KeyValuePair<string, TValue>> entries)
    {
        try
        {
            return PersistentMap<string, TValue>.Of(entries, _owner);
        }
        catch (ArgumentException twice)
        {
            throw SnapshotReader.Damaged(twice.Message);
        }
    }

    private static void Add<TKey, TValue>(Dictionary<TKey, List<TValue>> lists, TKey key, TValue value)
        where TKey : notnull
    {
        if (!lists.TryGetValue(key, out var list))
        {
            lists[key] = list = [];
        }

        list.Add(value);
    }
}
