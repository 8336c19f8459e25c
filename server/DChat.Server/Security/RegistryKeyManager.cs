using System.Collections.Concurrent;
using System.Xml.Linq;
using DChat.Core.Registry;
using DChat.Server.Coordinator;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;

namespace DChat.Server.Security;

/// <summary>The token-protection keys, as they stand in the registry and nowhere else. No node makes any of its own: the leader adds them.</summary>
internal sealed class RegistryKeyRepository(RegistryReplica replica, ClusterSecret secret) : IXmlRepository
{
    /// <summary>What the keys are sealed for: nothing else opens them.</summary>
    public const string Purpose = "token-protection-key";

    /// <summary>Opened ones by id; a key never changes.</summary>
    private readonly ConcurrentDictionary<string, XElement> _opened = new(StringComparer.Ordinal);

    public IReadOnlyCollection<XElement> GetAllElements() => [.. replica.State.ProtectionKeys.Select(Open)];

    public void StoreElement(XElement element, string friendlyName) =>
        throw new InvalidOperationException("token-protection keys are made by the leader");

    private XElement Open(ProtectionKey key) =>
        new(_opened.GetOrAdd(key.KeyId, (_, wrapped) => ProtectionKeyXml.Read(secret.Open(Purpose, wrapped)), key.Sealed));
}

/// <summary>
/// Says when the keys changed, so that a new key is used everywhere as soon as the registry has it: the framework alone would look
/// once a day.
/// </summary>
internal sealed class RegistryKeyManager : IKeyManager, IRegistryObserver, IDisposable
{
    private readonly XmlKeyManager _keys;
    private readonly IDisposable _subscription;
    private CancellationTokenSource _changed = new();

    public RegistryKeyManager(XmlKeyManager keys, RegistryReplica replica)
    {
        _keys = keys;
        _subscription = replica.Subscribe(this, out _);
    }

    public IReadOnlyCollection<IKey> GetAllKeys() => _keys.GetAllKeys();

    public CancellationToken GetCacheExpirationToken() => Volatile.Read(ref _changed).Token;

    public IKey CreateNewKey(DateTimeOffset activationDate, DateTimeOffset expirationDate) =>
        throw new InvalidOperationException("token-protection keys are made by the leader");

    public void RevokeKey(Guid keyId, string? reason = null) => throw new NotSupportedException();

    public void RevokeAllKeys(DateTimeOffset revocationDate, string? reason = null) => throw new NotSupportedException();

    public void Applied(RegistryState before, RegistryState after, long index, RegistryEntry entry) => Compare(before, after);

    public void Replaced(RegistryState before, RegistryState after) => Compare(before, after);

    public void Dispose()
    {
        _subscription.Dispose();
        _changed.Dispose();
    }

    private void Compare(RegistryState before, RegistryState after)
    {
        if (!ReferenceEquals(before.ProtectionKeys, after.ProtectionKeys))
        {
            // The one before is left to the collector: a reader may be asking it at this moment.
            Interlocked.Exchange(ref _changed, new CancellationTokenSource()).Cancel();
        }
    }
}
