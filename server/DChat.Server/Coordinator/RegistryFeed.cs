using System.Runtime.CompilerServices;
using DChat.Core.Registry;
using DChat.Storage;

namespace DChat.Server.Coordinator;

/// <summary>
/// Feeds followers from this node's replica. The newest entries are kept once for all of them; a follower that falls behind those, or is new,
/// gets the state instead, and goes on with what was kept while that was on its way.
/// </summary>
public sealed class RegistryFeed : IRegistrySource, IRegistryObserver, IDisposable
{
    /// <summary>Entries that a coordinator keeps, at most: a state of the largest registries is on its way for seconds.</summary>
    public const int KeptEntries = 8_192;

    /// <summary>Bytes of entries that a coordinator keeps, about.</summary>
    public const int KeptBytes = 16 * 1024 * 1024;

    /// <summary>Entries that a follower takes at once.</summary>
    private const int TakenAtOnce = 256;

    private readonly RegistryReplica _replica;
    private readonly int _keptEntries;
    private readonly long _keptBytesMax;
    private readonly Lock _lock = new();
    private readonly Queue<(EntryUpdate Update, int Bytes)> _kept = new();
    private readonly Dictionary<long, EntryUpdate> _byIndex = [];
    private readonly ChangeSignal _news = new();
    private readonly IDisposable _subscription;
    private long _keptBytes;
    private long _index;
    private long _replacements;
    private int _followers;

    /// <param name="keptEntries">Entries kept, at most.</param>
    /// <param name="keptBytes">Bytes of entries kept, about.</param>
    public RegistryFeed(RegistryReplica replica, int keptEntries = KeptEntries, long keptBytes = KeptBytes)
    {
        (_replica, _keptEntries, _keptBytesMax) = (replica, keptEntries, keptBytes);
        _subscription = replica.Subscribe(this, out var current);

        // Taken after subscribing, not around it: the replica calls this while it holds its own lock.
        lock (_lock)
        {
            _index = Math.Max(_index, current.Index);
        }
    }

    /// <summary>Followers at the moment.</summary>
    public int Followers => Volatile.Read(ref _followers);

    public async IAsyncEnumerable<RegistryUpdate> FollowAsync(long fromIndex, [EnumeratorCancellation] CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(fromIndex);
        var (next, seen) = (fromIndex, Replacements);
        Interlocked.Increment(ref _followers);
        try
        {
            while (true)
            {
                var news = _news.Next;
                var replacements = Replacements;
                var entries = replacements == seen ? Take(next) : null;
                if (entries is null)
                {
                    // As of now or later; not kept here: as long as it is, so is every node of it.
                    var state = _replica.State;
                    (next, seen) = (state.Index + 1, replacements);
                    yield return new StateUpdate(state);
                    continue;
                }

                foreach (var entry in entries)
                {
                    yield return entry;
                    next = entry.Index + 1;
                }

                if (entries.Count == 0)
                {
                    await news.WaitAsync(cancellation);
                }
            }
        }
        finally
        {
            Interlocked.Decrement(ref _followers);
        }
    }

    /// <summary>The entries from one on, some of them where they are many; none where there are none yet, or where the first is not kept any more.</summary>
    public IReadOnlyList<EntryUpdate> KeptFrom(long index) => Take(index) ?? [];

    /// <summary>Whether the entry that is kept here is another than the one of that <see cref="EntryMark"/>. False where none is kept: nobody knows.</summary>
    public bool HasAnother(long index, ReadOnlySpan<byte> mark)
    {
        EntryUpdate? kept;
        lock (_lock)
        {
            _byIndex.TryGetValue(index, out kept);
        }

        return kept is not null && !mark.SequenceEqual(EntryMark.Of(kept.Entry));
    }

    public void Dispose() => _subscription.Dispose();

    void IRegistryObserver.Applied(RegistryState before, RegistryState after, long index, RegistryEntry entry)
    {
        lock (_lock)
        {
            Keep(new EntryUpdate(index, entry), entry.Records.Sum(record => record.EncodedSize));
        }

        _news.Raise();
    }

    void IRegistryObserver.Replaced(RegistryState before, RegistryState after)
    {
        lock (_lock)
        {
            _kept.Clear();
            _byIndex.Clear();
            _keptBytes = 0;
            _index = after.Index;
            _replacements++;
        }

        _news.Raise();
    }

    /// <summary>How often the replica jumped: whoever followed before has another registry.</summary>
    private long Replacements
    {
        get
        {
            lock (_lock)
            {
                return _replacements;
            }
        }
    }

    private void Keep(EntryUpdate update, int bytes)
    {
        _kept.Enqueue((update, bytes));
        _byIndex[update.Index] = update;
        _keptBytes += bytes;
        _index = update.Index;
        while (_kept.Count > _keptEntries || _keptBytes > _keptBytesMax)
        {
            var (old, oldBytes) = _kept.Dequeue();
            _byIndex.Remove(old.Index);
            _keptBytes -= oldBytes;
        }
    }

    /// <summary>The next entries that there are, none where there are none yet; null where they are not kept any more.</summary>
    private List<EntryUpdate>? Take(long next)
    {
        lock (_lock)
        {
            var taken = new List<EntryUpdate>();
            for (; next <= _index && taken.Count < TakenAtOnce; next++)
            {
                if (!_byIndex.TryGetValue(next, out var entry))
                {
                    return taken.Count > 0 ? taken : null;
                }

                taken.Add(entry);
            }

            return taken;
        }
    }
}
