using System.Collections.Immutable;
using DChat.Core.Registry.Collections;
using DChat.Core.Rooms;

namespace DChat.Core.Registry;

/// <summary>
/// A registry being changed by one batch of events. It changes its own copies of nodes in place and leaves the state that it began with alone.
/// An event that does not fit the state is a broken invariant and throws: the process must not go on with another registry than the others.
/// </summary>
internal sealed partial class RegistryDraft
{
    private readonly object _owner = new();
    private readonly long _index;
    private RegistryRecord _record = null!;
    private int _ordinal;
    private long _lastEpoch;
    private long _membershipCount;
    private int _activeAdmins;
    private PersistentVector<Account> _accounts;
    private PersistentMap<string, int> _accountsByName;
    private PersistentVector<Room?> _rooms;
    private PersistentMap<string, int> _roomsById;
    private PersistentMap<string, int> _roomsByName;
    private PersistentMap<string, RegistryState.EndedSession> _endedSessions;
    private long _nextSessionSweep;
    private PersistentMap<string, ApiToken> _tokensById;
    private PersistentMap<string, Invitation> _invitations;
    private ImmutableSortedDictionary<string, Worker> _workers;
    private string _store;
    private ProtectionKey[] _keys;
    private PersistentVector<AuditLine> _audit;
    private long _auditCount;
    private OutcomeMemory _outcomes;

    public RegistryDraft(RegistryState state, long index)
    {
        _index = index;
        _ordinal = index == state.Index ? state.NextOrdinal : 0;
        _lastEpoch = state.LastEpoch;
        _membershipCount = state.MembershipCount;
        _activeAdmins = state.ActiveAdmins;
        _accounts = state.Accounts;
        _accountsByName = state.AccountsByName;
        _rooms = state.RoomsByHandle;
        _roomsById = state.RoomsById;
        _roomsByName = state.RoomsByName;
        _endedSessions = state.EndedSessions;
        _nextSessionSweep = state.NextSessionSweep;
        _tokensById = state.TokensById;
        _invitations = state.InvitationsByHash;
        _workers = state.WorkersById;
        _store = state.Store;
        _keys = state.Keys;
        _audit = state.AuditRing;
        _auditCount = state.AuditCount;
        _outcomes = state.Outcomes;
    }

    /// <summary>The state reached. The draft must not be used afterwards: the state now holds its nodes.</summary>
    public RegistryState ToState() => new()
    {
        Index = _index,
        NextOrdinal = _ordinal,
        LastEpoch = _lastEpoch,
        MembershipCount = _membershipCount,
        ActiveAdmins = _activeAdmins,
        Accounts = _accounts,
        AccountsByName = _accountsByName,
        RoomsByHandle = _rooms,
        RoomsById = _roomsById,
        RoomsByName = _roomsByName,
        EndedSessions = _endedSessions,
        NextSessionSweep = _nextSessionSweep,
        TokensById = _tokensById,
        InvitationsByHash = _invitations,
        WorkersById = _workers,
        Store = _store,
        Keys = _keys,
        AuditRing = _audit,
        AuditCount = _auditCount,
        Outcomes = _outcomes,
    };

    public void Apply(RegistryRecord record)
    {
        _record = record;
        foreach (var happened in record.Events)
        {
            Apply(happened);
        }

        _outcomes = _outcomes.Remember(record, _owner);
    }

    private void Apply(RegistryEvent happened)
    {
        switch (happened)
        {
            case AccountCreated e: AddAccount(e.User, e.DisplayName, e.PasswordHash, e.Admin); break;
            case AccountsCreated e: AddAccounts(e); break;
            case PasswordChanged e: SetAccount(AccountOf(e.User) with { PasswordHash = e.PasswordHash }); break;
            case TokensRevoked e: SetAccount(AccountOf(e.User) with { TokensValidFrom = _index, ExemptSession = e.ExemptSession }); break;
            case SessionEnded e: Apply(e); break;
            case DisplayNameChanged e: SetAccount(AccountOf(e.User) with { DisplayName = e.DisplayName }); break;
            case AdminChanged e: SetAccount(AccountOf(e.User) with { IsAdmin = e.Admin }); break;
            case AccountDisabled e: SetAccount(AccountOf(e.User) with { Disabled = true, TokensValidFrom = _index, ExemptSession = null }); break;
            case AccountEnabled e: SetAccount(AccountOf(e.User) with { Disabled = false }); break;
            case AccountClosed e: Apply(e); break;
            case InvitationCreated e: Apply(e); break;
            case InvitationUsed e: Apply(e); break;
            case InvitationRevoked e: _invitations = _invitations.Remove(e.CodeHash, _owner); break;
            case ApiTokenCreated e: Apply(e); break;
            case ApiTokenEnded e: Apply(e); break;
            case RoomCreated e: Apply(e); break;
            case DirectOpened e: Apply(e); break;
            case RoomUpdated e: Apply(e); break;
            case RoomDeleted e: Apply(e); break;
            case MemberJoined e: Apply(e); break;
            case MembersJoined e: Apply(e); break;
            case MemberLeft e: Apply(e); break;
            case RoleChanged e: Apply(e); break;
            case Muted e: Apply(e); break;
            case Invited e: Apply(e); break;
            case InvitationWithdrawn e: Apply(e); break;
            case Banned e: Apply(e); break;
            case Unbanned e: Apply(e); break;
            case WorkerRegistered e: Apply(e); break;
            case WorkerStateChanged e: SetWorker(WorkerOf(e.Worker) with { State = e.State }); break;
            case StoreBound e: _store = e.Store; break;
            case WorkerRemoved e: _workers = _workers.Remove(e.Worker); break;
            case RoomsAssigned e: Apply(e); break;
            case KeyAdded e: Apply(e); break;
            case Audited e: Apply(e); break;
            default: throw new UnknownRegistryEventException($"log entry {_index} holds an event {happened.GetType().Name}, which this program cannot apply");
        }
    }

    private Account AccountOf(string user) =>
        _accountsByName.TryGet(user, out var handle) ? _accounts[handle] : throw Broken($"there is no account {user}");

    private Room RoomOf(string room) =>
        _roomsById.TryGet(room, out var handle) ? _rooms[handle]! : throw Broken($"there is no room {room}");

    private Worker WorkerOf(string worker) =>
        _workers.TryGetValue(worker, out var found) ? found : throw Broken($"there is no worker {worker}");

    private InvalidOperationException Broken(string what) =>
        new($"log entry {_index} does not fit the registry: {what}");

    private void RaiseEpoch(long epoch) => _lastEpoch = Math.Max(_lastEpoch, epoch);

    /// <summary>Puts the account's new version in place, and keeps the count of administrators.</summary>
    private void SetAccount(Account account)
    {
        _activeAdmins += IsActiveAdmin(account) - IsActiveAdmin(_accounts[account.Handle]);
        _accounts = _accounts.Set(account.Handle, account, _owner);
    }

    private static int IsActiveAdmin(Account account) => account is { IsAdmin: true, CanSignIn: true } ? 1 : 0;

    /// <summary>Puts the room's new version in place, and keeps the index of names.</summary>
    private void SetRoom(Room room)
    {
        var before = _rooms[room.Handle]!;
        if (before.HoldsName && (!room.HoldsName || room.Name != before.Name))
        {
            _roomsByName = _roomsByName.Remove(RoomName.Fold(before.Name), _owner);
        }

        if (room.HoldsName && (!before.HoldsName || room.Name != before.Name))
        {
            _roomsByName = _roomsByName.Set(RoomName.Fold(room.Name), room.Handle, _owner);
        }

        _rooms = _rooms.Set(room.Handle, room, _owner);
    }

    private void SetWorker(Worker worker) => _workers = _workers.SetItem(worker.Id, worker);
}
