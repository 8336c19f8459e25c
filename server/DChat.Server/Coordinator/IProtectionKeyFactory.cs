using DChat.Core.Registry;

namespace DChat.Server.Coordinator;

/// <summary>Makes the keys that protect tokens. Only the leader asks, so that all nodes share the same ones.</summary>
public interface IProtectionKeyFactory
{
    /// <summary>A new key, sealed by the cluster secret, where none of <paramref name="keys"/> will do for long enough; else null.</summary>
    /// <param name="keys">All keys that the registry holds.</param>
    /// <param name="now">What "valid" is measured by.</param>
    ProtectionKey? CreateIfDue(IReadOnlyList<ProtectionKey> keys, DateTimeOffset now);
}
