using System.Collections.Immutable;
using DChat.Core.Registry.Collections;
using DChat.Core.Rooms;

namespace DChat.Core.Registry;

/// <summary>
/// Reads what <see cref="SnapshotSections"/> writes, piece by piece; what becomes of accounts and rooms, of which there may be millions,
/// is for whoever derives from it.
/// </summary>
internal abstract class SnapshotParts(SnapshotReader reader)
{
    /// <summary>What is reserved before anything is seen of what a count promises.</summary>
    private const int ReserveMax = 1 << 20;

    /// <summary>Memberships of one account that are believed before they are seen.</summary>
    private const int MembershipsMax = 1 << 22;

    private readonly object _owner = new();
    private readonly Dictionary<string, string> _workerIds = new(StringComparer.Ordinal);
    private readonly HashSet<string> _hosts = new(StringComparer.Ordinal);

    /// <summary>By account: its memberships that are announced and not yet seen.</summary>
    private readonly List<int> _missing = [];
    private RoomEntry[] _memberships = [];

    /// <summary>The names of the accounts, by handle.</summary>
    protected List<string> Names { get; } = [];

    /// <summary>The index, epochs and times that a snapshot begins with, in a registry without anything else.</summary>
    protected abstract void TakeHead(RegistryState head);

    protected abstract void TakeNameCount(int count);

    /// <summary>The next account's name.</summary>
    /// <param name="rooms">Of which it will turn out to be a member.</param>
    /// <returns>The name, or another instance of it that is there already.</returns>
    protected abstract string TakeName(string name, int rooms);

    protected abstract void TakeRoomCount(int count);

    /// <param name="memberships">The accounts' sides of its memberships, in the order of its members. Valid during the call.</param>
    protected abstract void TakeRoom(Room room, ReadOnlySpan<RoomEntry> memberships);

    /// <param name="account">Without its rooms and invitations.</param>
    protected abstract void TakeAccount(Account account);

    /// <param name="rest">All else, in a registry without accounts and rooms.</param>
    protected abstract void TakeRest(RegistryState rest);

    /// <summary>Reads a snapshot to its end.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    /// <exception cref="UnknownRegistryEventException">A newer program wrote it.</exception>
    public void ReadAll()
    {
        if (!reader.Raw(RegistrySnapshot.Magic.Length).AsSpan().SequenceEqual(RegistrySnapshot.Magic))
        {
            throw SnapshotReader.Damaged("it does not begin as one");
        }

        var version = reader.Number();
        if (version > RegistrySnapshot.Version)
        {
            throw new UnknownRegistryEventException($"the snapshot has format {version}, and this program knows formats up to {RegistrySnapshot.Version}");
        }

        try
        {
            var head = new RegistryState { Index = reader.Number(), LastEpoch = reader.Number(), NextSessionSweep = reader.Number() };
            TakeHead(head);
            ReadNames();
            ReadRooms();
            for (var handle = 0; handle < Names.Count; handle++)
            {
                TakeAccount(ReadAccount(handle));
            }

            TakeRest(ReadRest(head, version));
        }
        catch (Exception failure) when (failure is ArgumentException or OverflowException)
        {
            throw SnapshotReader.Damaged(failure.Message);
        }

        if (!reader.Raw(RegistrySnapshot.Magic.Length).AsSpan().SequenceEqual(RegistrySnapshot.Magic))
        {
            throw SnapshotReader.Damaged("it does not end as one");
        }
    }

    private void ReadNames()
    {
        var count = reader.Count();
        TakeNameCount(count);
        Names.EnsureCapacity(Math.Min(count, ReserveMax));
        _missing.EnsureCapacity(Math.Min(count, ReserveMax));
        for (var i = 0; i < count; i++)
        {
            var name = reader.Text();
            var rooms = reader.Count();
            if (rooms > MembershipsMax)
            {
                throw SnapshotReader.Damaged($"{name} is in too many rooms");
            }

            Names.Add(TakeName(name, rooms));
            _missing.Add(rooms);
        }
    }

    private void ReadRooms()
    {
        var count = reader.Count();
        TakeRoomCount(count);
        for (var handle = 0; handle < count; handle++)
        {
            var room = ReadRoom(handle);
            if (room is { IsDirect: true, MemberCount: 0 or > 2 })
            {
                throw SnapshotReader.Damaged("a direct room has one or two members");
            }

            if (room.AssignedTo.Length > 0)
            {
                _hosts.Add(room.AssignedTo);
            }

            TakeRoom(room, _memberships.AsSpan(0, room.MemberCount));
        }

        for (var account = 0; account < Names.Count; account++)
        {
            if (_missing[account] != 0)
            {
                throw SnapshotReader.Damaged($"the memberships of {Names[account]} are not all there");
            }
        }
    }

    private Room ReadRoom(int handle)
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
            Notices = ReadNotices(),
        };
        var nextJoin = checked((uint)reader.Number());
        var (members, owners, moderators) = ReadMembers(handle);
        return room with
        {
            NextJoin = nextJoin,
            Members = SortedRuns<MemberEntry>.FromSorted(members),
            Owners = SortedRuns<MemberEntry>.FromSorted([.. owners]),
            Moderators = SortedRuns<MemberEntry>.FromSorted([.. moderators]),
            Owner = owners.Count == 0 ? null : Names[owners[0].Account],
            Bans = ReadList(() => new BanEntry(AccountHandle(), User(), reader.OptionalText(), reader.Number())),
            Mutes = ReadList(() => new MuteEntry(AccountHandle(), reader.Number())),
            Invitations = ReadList(() => new InvitationEntry(AccountHandle(), User(), reader.Number())),
        };
    }

    private Notice[] ReadNotices()
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

    private (MemberEntry[] Members, List<MemberEntry> Owners, List<MemberEntry> Moderators) ReadMembers(int room)
    {
        var count = reader.Count();
        if (count > Names.Count)
        {
            throw SnapshotReader.Damaged("a room has more members than there are accounts");
        }

        var members = new MemberEntry[count];
        if (_memberships.Length < count)
        {
            _memberships = new RoomEntry[count];
        }

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
            _memberships[i] = new RoomEntry(room, join, joinedAt, role);
            if (--_missing[account] < 0)
            {
                throw SnapshotReader.Damaged($"{Names[account]} has more memberships than announced");
            }
        }

        return (members, owners, moderators);
    }

    private Account ReadAccount(int handle)
    {
        var name = Names[handle];
        return new Account
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
            Tokens = ReadTokens(name),
        };
    }

    private ApiToken[] ReadTokens(string user)
    {
        var count = reader.Count();
        if (count == 0)
        {
            return [];
        }

        var tokens = new List<ApiToken>();
        for (var i = 0; i < count; i++)
        {
            tokens.Add(new ApiToken(reader.Text(), user, reader.Text(), reader.Text(), reader.Number()));
        }

        return [.. tokens];
    }

    private RegistryState ReadRest(RegistryState head, long version)
    {
        var sessions = ReadSessions();
        var invitations = ReadInvitations();
        var workers = ReadWorkers();
        var store = version >= 2 ? reader.Text() : "";
        var keys = ReadKeys();
        var (auditCount, audit) = ReadAudit();
        return new RegistryState
        {
            Index = head.Index,
            LastEpoch = head.LastEpoch,
            NextSessionSweep = head.NextSessionSweep,
            EndedSessions = sessions,
            InvitationsByHash = invitations,
            WorkersById = workers,
            Store = store,
            Keys = keys,
            AuditRing = audit,
            AuditCount = auditCount,
            Outcomes = new OutcomeMemory(default, default, reader.Number()) with { Young = ReadOutcomes(), Old = ReadOutcomes() },
        };
    }

    private PersistentMap<string, RegistryState.EndedSession> ReadSessions()
    {
        var sessions = default(PersistentMap<string, RegistryState.EndedSession>);
        for (var left = reader.Count(); left > 0; left--)
        {
            sessions = sessions.Set(reader.Text(), new RegistryState.EndedSession(AccountHandle(), reader.Number()), _owner);
        }

        return sessions;
    }

    private PersistentMap<string, Invitation> ReadInvitations()
    {
        var invitations = default(PersistentMap<string, Invitation>);
        for (var left = reader.Count(); left > 0; left--)
        {
            var invitation = new Invitation(reader.Text(), reader.Count(), reader.Number(), User(), reader.Number());
            invitations = invitations.Set(invitation.CodeHash, invitation, _owner);
        }

        return invitations;
    }

    private ImmutableSortedDictionary<string, Worker> ReadWorkers()
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

            workers.Add(id, new Worker(id, address, incarnation, capacity, labels, reader.Choice<WorkerState>(), reader.Number(), reader.Number()));
        }

        return _hosts.FirstOrDefault(host => !workers.ContainsKey(host)) is { } missing ? throw SnapshotReader.Damaged($"there is no worker {missing}") : workers.ToImmutable();
    }

    private ProtectionKey[] ReadKeys()
    {
        var keys = new List<ProtectionKey>();
        for (var left = reader.Count(); left > 0; left--)
        {
            keys.Add(new ProtectionKey(reader.Text(), reader.OptionalBytes() ?? [], reader.Number(), reader.Number(), reader.Number()));
        }

        return [.. keys];
    }

    private (long Count, PersistentVector<AuditLine> Ring) ReadAudit()
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

    private PersistentMap<UInt128, OutcomeMemory.Kept> ReadOutcomes()
    {
        var outcomes = default(PersistentMap<UInt128, OutcomeMemory.Kept>);
        for (var left = reader.Count(); left > 0; left--)
        {
            outcomes = outcomes.Set(reader.Wide(), new OutcomeMemory.Kept(reader.Number(), reader.Text()), _owner);
        }

        return outcomes;
    }

    private SortedRuns<T> ReadList<T>(Func<T> load)
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
        return handle < Names.Count ? handle : throw SnapshotReader.Damaged("it names an account that is not there");
    }

    private string User()
    {
        var coded = reader.Count();
        return coded == 0 ? "" : coded <= Names.Count ? Names[coded - 1] : throw SnapshotReader.Damaged("it names an account that is not there");
    }

    private string WorkerId(string id) => id.Length == 0 ? "" : _workerIds.TryGetValue(id, out var same) ? same : _workerIds[id] = id;
}
