using System.Runtime.CompilerServices;
using System.Threading.Channels;
using DChat.Core.Registry;
using DChat.Storage;

namespace DChat.Server.Coordinator;

/// <summary>
/// Feeds followers from this node's replica. The newest entries are kept for those that come back; each follower has a bounded buffer,
/// and one that overflows it gets the state instead.
/// </summary>
public sealed class RegistryFeed : IRegistrySource, IRegistryObserver, IDisposable
{
    /// <summary>Entries that may wait for one follower.</summary>
    public const int BufferEntries = 256;

    /// <summary>Entries kept for followers that come back, at most.</summary>
    public const int KeptEntries = 1_024;

    /// <summary>Bytes of entries kept for followers that come back, about.</summary>
    public const int KeptBytes = 16 * 1024 * 1024;

    private readonly RegistryReplica _replica;
    private readonly Lock _lock = new();
    private readonly Queue<(EntryUpdate Update, int Bytes)> _kept = new();
    private readonly List<Follower> _followers = [];
    private readonly IDisposable _subscription;
    private long _keptBytes;
    private long _index;

    public RegistryFeed(RegistryReplica replica)
    {
        _replica = replica;
        _subscription = replica.Subscribe(this, out var current);

        // Taken after subscribing, not around it: the replica calls this while it holds its own lock.
        lock (_lock)
        {
            _index = Math.Max(_index, current.Index);
        }
    }

    /// <summary>Followers at the moment.</summary>
    public int Followers
    {
        get
        {
            lock (_lock)
            {
                return _followers.Count;
            }
        }
    }

    public async IAsyncEnumerable<RegistryUpdate> FollowAsync(long fromIndex, [EnumeratorCancellation] CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(fromIndex);
        var follower = new Follower();
        var next = fromIndex;
        var missed = Join(follower, fromIndex);
        try
        {
            if (missed is null)
            {
                var state = _replica.State; // It may be one entry ahead of what this was told; that one is skipped.
                next = state.Index + 1;
                yield return new StateUpdate(state);
            }

            while (missed?.TryDequeue(out var update) == true)
            {
                yield return update;
                next = update.Index + 1;
            }

            while (true)
            {
                var news = follower.News;
                while (follower.TryRead(out var update))
                {
                    // An entry that the state held already.
                    if (update.Index >= next)
                    {
                        yield return update;
                        next = update.Index + 1;
                    }
                }

                if (follower.TakeOverflow())
                {
                    var state = _replica.State;
                    next = state.Index + 1;
                    yield return new StateUpdate(state);
                }

                await news.WaitAsync(cancellation);
            }
        }
        finally
        {
            Leave(follower);
        }
    }

    public void Dispose() => _subscription.Dispose();

    void IRegistryObserver.Applied(RegistryState before, RegistryState after, long index, RegistryEntry entry)
    {
        var update = new EntryUpdate(index, entry);
        lock (_lock)
        {
            Keep(update, entry.Records.Sum(record => record.EncodedSize));
            foreach (var follower in _followers)
            {
                follower.Offer(update);
            }
        }
    }

    void IRegistryObserver.Replaced(RegistryState before, RegistryState after)
    {
        lock (_lock)
        {
            _kept.Clear();
            _keptBytes = 0;
            _index = after.Index;
            foreach (var follower in _followers)
            {
                follower.Overflow();
            }
        }
    }

    private void Keep(EntryUpdate update, int bytes)
    {
        _kept.Enqueue((update, bytes));
        _keptBytes += bytes;
        _index = update.Index;
        while (_kept.Count > KeptEntries || _keptBytes > KeptBytes)
        {
            _keptBytes -= _kept.Dequeue().Bytes;
        }
    }

    /// <summary>
    /// What the follower has missed, or null where it needs a whole state (which is not kept here: as long as it is, so is every node of it);
    /// from then on it is offered every entry.
    /// </summary>
    private Queue<EntryUpdate>? Join(Follower follower, long fromIndex)
    {
        lock (_lock)
        {
            _followers.Add(follower);
            if (fromIndex > _index)
            {
                return new Queue<EntryUpdate>();
            }

            return _kept.Count > 0 && fromIndex >= _kept.Peek().Update.Index
                ? new Queue<EntryUpdate>(_kept.Select(kept => kept.Update).Where(update => update.Index >= fromIndex))
                : null;
        }
    }

    private void Leave(Follower follower)
    {
        lock (_lock)
        {
            _followers.Remove(follower);
        }
    }

    private sealed class Follower
    {
        private readonly Channel<EntryUpdate> _buffer = Channel.CreateBounded<EntryUpdate>(new BoundedChannelOptions(BufferEntries) { SingleReader = true });
        private readonly ChangeSignal _news = new();
        private int _overflown;

        public Task News => _news.Next;

        public void Offer(EntryUpdate update)
        {
            if (Volatile.Read(ref _overflown) == 0 && !_buffer.Writer.TryWrite(update))
            {
                Volatile.Write(ref _overflown, 1);
            }

            _news.Raise();
        }

        public void Overflow()
        {
            Volatile.Write(ref _overflown, 1);
            _news.Raise();
        }

        public bool TryRead(out EntryUpdate update) => _buffer.Reader.TryRead(out update!);

        public bool TakeOverflow() => Interlocked.Exchange(ref _overflown, 0) == 1;
    }
}
