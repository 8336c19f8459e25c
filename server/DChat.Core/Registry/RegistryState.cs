using System.Collections.Immutable;
using DChat.Core.Registry.Collections;

namespace DChat.Core.Registry;

/// <summary>
/// The registry after some log entry. Immutable: any thread reads it without a lock, and it stays as it is while the registry goes on.
/// What it answers is found in constant or logarithmic time; what lists, says how much it lists.
/// </summary>
public sealed partial class RegistryState
{
    public static readonly RegistryState Empty = new();

    internal RegistryState()
    {
    }

    /// <summary>Of the last log entry applied; 0: none.</summary>
    public long Index { get; internal init; }

    /// <summary>The highest epoch that was ever given out.</summary>
    public long LastEpoch { get; internal init; }

    /// <summary>The id of the message store in which the rooms have their messages; empty: none was ever used.</summary>
    public string Store { get; internal init; } = "";

    /// <summary>Accounts in all, closed ones included.</summary>
    public int AccountCount => Accounts.Count;

    /// <summary>Rooms in all, direct and archived ones included.</summary>
    public int RoomCount => RoomsById.Count;

    /// <summary>Memberships of all rooms.</summary>
    public long MembershipCount { get; internal init; }

    /// <summary>Administrators that can sign in.</summary>
    public int ActiveAdmins { get; internal init; }

    /// <summary>Notices that the last entry has made; numbers them within the entry.</summary>
    internal int NextOrdinal { get; init; }

    internal PersistentVector<Account> Accounts { get; init; }
    internal PersistentMap<string, int> AccountsByName { get; init; }

    /// <summary>By handle; null where the room was deleted. Handles are not used again, so their order is that of creation.</summary>
    internal PersistentVector<Room?> RoomsByHandle { get; init; }
    internal PersistentMap<string, int> RoomsById { get; init; }

    /// <summary>Rooms that hold their name, by the name in lower case.</summary>
    internal PersistentMap<string, int> RoomsByName { get; init; }
    internal PersistentMap<string, EndedSession> EndedSessions { get; init; }
    internal long NextSessionSweep { get; init; }
    internal PersistentMap<string, ApiToken> TokensById { get; init; }
    internal PersistentMap<string, Invitation> InvitationsByHash { get; init; }
    internal ImmutableSortedDictionary<string, Worker> WorkersById { get; init; } = ImmutableSortedDictionary.Create<string, Worker>(StringComparer.Ordinal);
    internal ProtectionKey[] Keys { get; init; } = [];

    /// <summary>A ring: line n stands at (n - 1) mod its size.</summary>
    internal PersistentVector<AuditLine> AuditRing { get; init; }
    internal long AuditCount { get; init; }
    internal OutcomeMemory Outcomes { get; init; } = OutcomeMemory.Empty;

    internal readonly record struct EndedSession(int Account, long Until);
}
