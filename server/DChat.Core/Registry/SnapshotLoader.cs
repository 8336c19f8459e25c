using System.Collections.Immutable;
using DChat.Core.Registry.Collections;
using DChat.Core.Rooms;

namespace DChat.Core.Registry;

/// <summary>Reads the sections that <see cref="SnapshotSections"/> writes, and builds the indexes and the accounts' side of memberships.</summary>
internal sealed class SnapshotLoader(SnapshotReader reader, long version)
{
    /// <summary>What is reserved before anything is seen of what a count promises.</summary>
    private const int ReserveMax = 1 << 20;

    /// <summary>Memberships of one account that are believed before they are seen.</summary>
    private const int MembershipsMax = 1 << 22;

    private readonly object _owner = new();
    private readonly List<string> _names = [];

    /// <summary>By account: its memberships, in order of rooms, and how many of them are there yet.</summary>
    private readonly List<RoomEntry[]> _memberships = [];
    private readonly List<int> _filled = [];
    private readonly Dictionary<int, List<HandleEntry>> _invited = [];
    private readonly Dictionary<int, List<DirectEntry>> _directs = [];
    private readonly Dictionary<string, List<HandleEntry>> _hosted = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _workerIds = new(StringComparer.Ordinal);
    private PersistentVector<Room?> _rooms;
    private PersistentMap<string, int> _roomsById;
    private PersistentMap<string, int> _roomsByName;
    private PersistentVector<Account> _accounts;
    private PersistentMap<string, int> _accountsByName;
    private PersistentMap<string, ApiToken> _tokens;
    private long _membershipCount;
    private int _activeAdmins;

    public RegistryState Load()
    {
        var index = reader.Number();
        var lastEpoch = reader.Number();
        var nextSessionSweep = reader.Number();
        LoadNames();
        LoadRooms();
        LoadAccounts();
        var sessions = LoadSessions();
        var invitations = LoadInvitations();
        var workers = LoadWorkers();
        var store = version >= 2 ? reader.Text() : "";
        var keys = LoadKeys();
        var (auditCount, audit) = LoadAudit();
        var outcomes = new OutcomeMemory(default, default, reader.Number()) with { Young = LoadOutcomes(), Old = LoadOutcomes() };
        return new RegistryState
        {
            Index = index,
            LastEpoch = lastEpoch,
            MembershipCount = _membershipCount,
            ActiveAdmins = _activeAdmins,
            Accounts = _accounts,
            AccountsByName = _accountsByName,
            RoomsByHandle = _rooms,
            RoomsById = _roomsById,
            RoomsByName = _roomsByName,
            EndedSessions = sessions,
            NextSessionSweep = nextSessionSweep,
            TokensById = _tokens,
            InvitationsByHash = invitations,
            WorkersById = workers,
            Store = store,
            Keys = keys,
            AuditRing = audit,
            AuditCount = auditCount,
            Outcomes = outcomes,
        };
    }

    private void LoadNames()
    {
        var count = reader.Count();
        _names.EnsureCapacity(Math.Min(count, ReserveMax));
        for (var i = 0; i < count; i++)
        {
            _names.Add(reader.Text());
            var rooms = reader.Count();
            if (rooms > MembershipsMax)
            {
                throw SnapshotReader.Damaged($"{_names[^1]} is in too many rooms");
            }

            _memberships.Add(rooms == 0 ? [] : new RoomEntry[rooms]);
            _filled.Add(0);
        }
    }

    private void LoadRooms()
    {
        var count = reader.Count();
        for (var handle = 0; handle < count; handle++)
        {
            var room = LoadRoom(handle);
            _rooms = _rooms.Append(room, _owner);
            _roomsById = _roomsById.Set(room.Id, handle, _owner);
            if (room.HoldsName)
            {
                _roomsByName = _roomsByName.Set(RoomName.Fold(room.Name), handle, _owner);
            }

            if (room.AssignedTo.Length > 0)
            {
                Add(_hosted, room.AssignedTo, new HandleEntry(handle));
            }

            if (room.IsDirect)
            {
                LinkDirect(room);
            }
        }

        for (var account = 0; account < _names.Count; account++)
        {
            if (_filled[account] != _memberships[account].Length)
            {
                throw SnapshotReader.Damaged($"the memberships of {_names[account]} are not all there");
            }
        }
    }

    private Room LoadRoom(int handle)
    {
        var room = new Room
        {
            Handle = handle,
            Id = reader.Text(),
            Name = reader.Text(),
            Kind = reader.Choice<RoomKind>(),
            Topic = reader.Text(),
            Visibility = reader.Choice<RoomVisibility>(),
            PasswordHash = reader.OptionalBytes(),
            PasswordVersion = reader.Count(),
            SlowModeSeconds = reader.Count(),
            RetentionDays = reader.Count(),
            Archived = reader.Flag(),
            CreatedAt = reader.Number(),
            CreatedBy = User(),
            AssignedTo = WorkerId(reader.Text()),
            AssignedEpoch = reader.Number(),
            Notices = LoadNotices(),
        };
        var nextJoin = checked((uint)reader.Number());
        var (members, owners, moderators) = LoadMembers(handle);
        return room with
        {
            NextJoin = nextJoin,
            Members = SortedRuns<MemberEntry>.FromSorted(members),
            Owners = SortedRuns<MemberEntry>.FromSorted([.. owners]),
            Moderators = SortedRuns<MemberEntry>.FromSorted([.. moderators]),
            Owner = owners.Count == 0 ? null : _names[owners[0].Account],
            Bans = LoadList(() => new BanEntry(AccountHandle(), User(), reader.OptionalText(), reader.Number())),
            Mutes = LoadList(() => new MuteEntry(AccountHandle(), reader.Number())),
            Invitations = LoadInvited(handle),
        };
    }

    private Notice[] LoadNotices()
    {
        var count = reader.Count();
        if (count > RegistryBounds.NoticesPerEntry)
        {
            throw SnapshotReader.Damaged("a room has too many notices");
        }

        var notices = new Notice[count];
        for (var i = 0; i < count; i++)
        {
            notices[i] = new Notice(reader.Number(), reader.Count(), reader.Choice<NoticeKind>(), User(), User(), reader.Text(), reader.Number());
        }

        return notices;
    }

    private (MemberEntry[] Members, List<MemberEntry> Owners, List<MemberEntry> Moderators) LoadMembers(int room)
    {
        var count = reader.Count();
        if (count > _names.Count)
        {
            throw SnapshotReader.Damaged("a room has more members than there are accounts");
        }

        var members = new MemberEntry[count];
        List<MemberEntry> owners = [], moderators = [];
        uint join = 0;
        long joinedAt = 0;
        for (var i = 0; i < count; i++)
        {
            var account = AccountHandle();
            join = checked(join + (uint)reader.Number());
            joinedAt += reader.Difference();
            var role = (RoomRole)reader.Number();
            if (role is < RoomRole.Member or > RoomRole.Owner)
            {
                throw SnapshotReader.Damaged("a member's role is unknown");
            }

            members[i] = new MemberEntry(join, account);
            (role == RoomRole.Owner ? owners : role == RoomRole.Moderator ? moderators : null)?.Add(members[i]);
            if (_filled[account] == _memberships[account].Length)
            {
                throw SnapshotReader.Damaged($"{_names[account]} has more memberships than announced");
            }

            _memberships[account][_filled[account]++] = new RoomEntry(room, join, joinedAt, role);
        }

        _membershipCount += count;
        return (members, owners, moderators);
    }

    private SortedRuns<InvitationEntry> LoadInvited(int room)
    {
        var invitations = LoadList(() => new InvitationEntry(AccountHandle(), User(), reader.Number()));
        foreach (var invitation in invitations.After())
        {
            Add(_invited, invitation.Account, new HandleEntry(room));
        }

        return invitations;
    }

    private void LinkDirect(Room room)
    {
        var members = room.Members.After().Select(member => member.Account).ToList();
        if (members.Count is 0 or > 2)
        {
            throw SnapshotReader.Damaged("a direct room has one or two members");
        }

        Add(_directs, members[0], new DirectEntry(members[^1], room.Handle));
        if (members.Count == 2)
        {
            Add(_directs, members[1], new DirectEntry(members[0], room.Handle));
        }
    }

    private void LoadAccounts()
    {
        for (var handle = 0; handle < _names.Count; handle++)
        {
            var name = _names[handle];
            var account = new Account
            {
                Handle = handle,
                Name = name,
                DisplayName = reader.OptionalText() ?? name,
                PasswordHash = reader.OptionalBytes(),
                IsAdmin = reader.Flag(),
                Disabled = reader.Flag(),
                Closed = reader.Flag(),
                CreatedAt = reader.Number(),
                TokensValidFrom = reader.Number(),
                ExemptSession = reader.OptionalText(),
                Tokens = LoadTokens(name),
                Rooms = SortedRuns<RoomEntry>.FromSorted(_memberships[handle]),
                Invitations = SortedRuns<HandleEntry>.FromSorted(_invited.TryGetValue(handle, out var invited) ? [.. invited] : []),
                Directs = SortedRuns<DirectEntry>.FromSorted(_directs.TryGetValue(handle, out var directs) ? [.. directs.OrderBy(direct => direct.Peer)] : []),
            };
            _accounts = _accounts.Append(account, _owner);
            _accountsByName = _accountsByName.Set(name, handle, _owner);
            _activeAdmins += account is { IsAdmin: true, CanSignIn: true } ? 1 : 0;
        }
    }

    private ApiToken[] LoadTokens(string user)
    {
        var count = reader.Count();
        if (count == 0)
        {
            return [];
        }

        var tokens = new List<ApiToken>();
        for (var i = 0; i < count; i++)
        {
            var token = new ApiToken(reader.Text(), user, reader.Text(), reader.Text(), reader.Number());
            tokens.Add(token);
            _tokens = _tokens.Set(token.Id, token, _owner);
        }

        return [.. tokens];
    }

    private PersistentMap<string, RegistryState.EndedSession> LoadSessions()
    {
        var sessions = default(PersistentMap<string, RegistryState.EndedSession>);
        for (var left = reader.Count(); left > 0; left--)
        {
            sessions = sessions.Set(reader.Text(), new RegistryState.EndedSession(AccountHandle(), reader.Number()), _owner);
        }

        return sessions;
    }

    private PersistentMap<string, Invitation> LoadInvitations()
    {
        var invitations = default(PersistentMap<string, Invitation>);
        for (var left = reader.Count(); left > 0; left--)
        {
            var invitation = new Invitation(reader.Text(), reader.Count(), reader.Number(), User(), reader.Number());
            invitations = invitations.Set(invitation.CodeHash, invitation, _owner);
        }

        return invitations;
    }

    private ImmutableSortedDictionary<string, Worker> LoadWorkers()
    {
        var workers = RegistryState.Empty.WorkersById.ToBuilder();
        for (var left = reader.Count(); left > 0; left--)
        {
            var id = WorkerId(reader.Text());
            var (address, incarnation, capacity) = (reader.Text(), reader.Text(), reader.Count());
            var labels = new List<string>();
            for (var more = reader.Count(); more > 0; more--)
            {
                labels.Add(reader.Text());
            }

            workers.Add(id, new Worker(id, address, incarnation, capacity, labels, reader.Choice<WorkerState>(), reader.Number(), reader.Number())
            {
                Rooms = SortedRuns<HandleEntry>.FromSorted(_hosted.Remove(id, out var rooms) ? [.. rooms] : []),
            });
        }

        return _hosted.Count == 0 ? workers.ToImmutable() : throw SnapshotReader.Damaged($"there is no worker {_hosted.Keys.First()}");
    }

    private ProtectionKey[] LoadKeys()
    {
        var keys = new List<ProtectionKey>();
        for (var left = reader.Count(); left > 0; left--)
        {
            keys.Add(new ProtectionKey(reader.Text(), reader.OptionalBytes() ?? [], reader.Number(), reader.Number(), reader.Number()));
        }

        return [.. keys];
    }

    private (long Count, PersistentVector<AuditLine> Ring) LoadAudit()
    {
        var total = reader.Number();
        var kept = reader.Count();
        if (kept != Math.Min(total, RegistryBounds.AuditLines))
        {
            throw SnapshotReader.Damaged("the audit trail is not whole");
        }

        var lines = new AuditLine[kept];
        for (var i = 0; i < kept; i++)
        {
            var number = total - kept + 1 + i;
            lines[(int)((number - 1) % RegistryBounds.AuditLines)] =
                new AuditLine(number, reader.Number(), reader.Number(), User(), reader.Text(), reader.Text(), reader.Text(), reader.Text());
        }

        var ring = default(PersistentVector<AuditLine>);
        foreach (var line in lines)
        {
            ring = ring.Append(line, _owner);
        }

        return (total, ring);
    }

    private PersistentMap<UInt128, OutcomeMemory.Kept> LoadOutcomes()
    {
        var outcomes = default(PersistentMap<UInt128, OutcomeMemory.Kept>);
        for (var left = reader.Count(); left > 0; left--)
        {
            outcomes = outcomes.Set(reader.Wide(), new OutcomeMemory.Kept(reader.Number(), reader.Text()), _owner);
        }

        return outcomes;
    }

    private SortedRuns<T> LoadList<T>(Func<T> load)
        where T : struct, IKeyed
    {
        var values = new List<T>();
        for (var left = reader.Count(); left > 0; left--)
        {
            values.Add(load());
        }

        return SortedRuns<T>.FromSorted([.. values]);
    }

    private int AccountHandle()
    {
        var handle = reader.Count();
        return handle < _names.Count ? handle : throw SnapshotReader.Damaged("it names an account that is not there");
    }

    private string User()
    {
        var coded = reader.Count();
        return coded == 0 ? "" : coded <= _names.Count ? _names[coded - 1] : throw SnapshotReader.Damaged("it names an account that is not there");
    }

    private string WorkerId(string id) => id.Length == 0 ? "" : _workerIds.TryGetValue(id, out var same) ? same : _workerIds[id] = id;

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
