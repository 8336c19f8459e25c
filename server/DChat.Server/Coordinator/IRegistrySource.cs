using DChat.Core.Registry;

namespace DChat.Server.Coordinator;

/// <summary>Where a replica gets the registry from: this process, or a coordinator over the network.</summary>
public interface IRegistrySource
{
    /// <summary>
    /// The entries from <paramref name="fromIndex"/> on, each as it is committed, until cancelled. Where they are not all at hand, at the
    /// start or because the reader was too slow, a whole state comes instead, and then the entries after it.
    /// </summary>
    IAsyncEnumerable<RegistryUpdate> FollowAsync(long fromIndex, CancellationToken cancellation);
}

/// <summary>What a source tells: <see cref="EntryUpdate"/> or <see cref="StateUpdate"/>.</summary>
public abstract record RegistryUpdate(long Index);

/// <summary>The next committed entry.</summary>
public sealed record EntryUpdate(long Index, RegistryEntry Entry) : RegistryUpdate(Index)
{
    private byte[]? _encoded;

    /// <summary>The entry as bytes, made once for all who are told.</summary>
    internal byte[] Encoded => LazyInitializer.EnsureInitialized(ref _encoded, () => RegistryEntryCodec.Encode(Entry));
}

/// <summary>The whole registry, instead of the entries up to its index.</summary>
public sealed record StateUpdate(RegistryState State) : RegistryUpdate(State.Index);

public static class RegistrySourceExtensions
{
    /// <summary>Keeps a replica fed until cancelled, or until the source fails with its own exception.</summary>
    public static async Task FeedAsync(this IRegistrySource source, RegistryReplica replica, CancellationToken cancellation)
    {
        await foreach (var update in source.FollowAsync(replica.Index + 1, cancellation))
        {
            switch (update)
            {
                case EntryUpdate entry:
                    replica.Apply(entry.Index, entry.Entry);
                    break;
                case StateUpdate whole:
                    replica.Replace(whole.State);
                    break;
            }
        }
    }
}
