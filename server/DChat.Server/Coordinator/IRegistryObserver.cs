using DChat.Core.Registry;

namespace DChat.Server.Coordinator;

/// <summary>
/// Follows a replica, in order, entry by entry. It is called before whoever waits for that entry goes on, so what it does
/// (closing a removed member's subscription) is done before the removal is answered. It must be quick and must not throw.
/// </summary>
public interface IRegistryObserver
{
    /// <summary>Entry <paramref name="index"/> was applied; <paramref name="after"/> is already the replica's state.</summary>
    void Applied(RegistryState before, RegistryState after, long index, RegistryEntry entry);

    /// <summary>The replica lagged and took a later state instead of the entries between: compare the two.</summary>
    void Replaced(RegistryState before, RegistryState after);
}
