using System.Security.Cryptography;
using DChat.Core.Registry;
using DChat.Server.Coordinator;

namespace DChat.Server.Security;

/// <summary>
/// When a token-protection key is due, and the key. Keys last 90 days and the next is there two days before it is used, so that every
/// node has it by then; a key is kept for reading as long as tokens that it protects can live.
/// </summary>
internal sealed class ProtectionKeyFactory(ClusterSecret secret) : IProtectionKeyFactory
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(90);
    private static readonly TimeSpan Ahead = TimeSpan.FromDays(2);

    public ProtectionKey? CreateIfDue(IReadOnlyList<ProtectionKey> keys, DateTimeOffset now)
    {
        RefuseAnotherSecret(secret, keys, "put this cluster's secret back (by default DATA/cluster-secret)");
        var last = keys.Count == 0 ? DateTimeOffset.UnixEpoch : DateTimeOffset.FromUnixTimeMilliseconds(keys.Max(key => key.ExpiresAt));
        if (now + Ahead < last)
        {
            return null;
        }

        var activates = last > now ? last : now;
        var expires = activates + Lifetime;
        var (id, xml) = ProtectionKeyXml.Create(activates, expires);
        return new ProtectionKey(
            id,
            secret.Seal(RegistryKeyRepository.Purpose, xml),
            now.ToUnixTimeMilliseconds(),
            activates.ToUnixTimeMilliseconds(),
            expires.ToUnixTimeMilliseconds());
    }

    /// <exception cref="StartRefusedException">The secret is another cluster's than whose keys these are.</exception>
    public static void RefuseAnotherSecret(ClusterSecret secret, IReadOnlyList<ProtectionKey> keys, string remedy)
    {
        foreach (var key in keys)
        {
            try
            {
                secret.Open(RegistryKeyRepository.Purpose, key.Sealed);
            }
            catch (CryptographicException error)
            {
                throw new StartRefusedException(
                    $"The cluster secret does not open token-protection key {key.KeyId} in the control log: it is another cluster's. Remedy: {remedy}.", error);
            }
        }
    }
}
