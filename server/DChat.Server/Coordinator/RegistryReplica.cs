using System.Collections.Immutable;
using DChat.Core.Registry;
using DChat.Storage;

namespace DChat.Server.Coordinator;

/// <summary>This node's copy of the registry. Reading takes no lock; one writer at a time applies entries.</summary>
public sealed class RegistryReplica(TimeProvider time)
{
    private readonly Lock _writing = new();
    private readonly ChangeSignal _advanced = new();
    private ImmutableArray<IRegistryObserver> _observers = [];
    private volatile RegistryState _state = RegistryState.Empty;
    private volatile EntryUpdate? _last;
    private long _index;

    /// <summary>The newest state. While observers are being told of an entry it is one entry ahead of <see cref="Index"/>.</summary>
    public RegistryState State => _state;

    /// <summary>The last entry that is applied and that every observer was told of.</summary>
    public long Index => Volatile.Read(ref _index);

    /// <summary>The last entry that is applied; null: the state came whole.</summary>
    public EntryUpdate? Last => _last;

    /// <summary>Waits until entry <paramref name="index"/> is applied and observed; false where that takes longer than <paramref name="limit"/>.</summary>
    public async Task<bool> WaitForAsync(long index, TimeSpan limit, CancellationToken cancellation)
    {
        if (Index >= index)
        {
            return true;
        }

        var started = time.GetTimestamp();
        while (true)
        {
            var advanced = _advanced.Next;
            if (Index >= index)
            {
                return true;
            }

            var left = limit - time.GetElapsedTime(started);
            if (left <= TimeSpan.Zero)
            {
                return false;
            }

            try
            {
                await advanced.WaitAsync(left, time, cancellation);
            }
            catch (TimeoutException)
            {
                return Index >= index;
            }
        }
    }

    /// <summary>Tells an observer of every entry after <paramref name="current"/>, until the answer is disposed.</summary>
    public IDisposable Subscribe(IRegistryObserver observer, out RegistryState current)
    {
        lock (_writing)
        {
            _observers = _observers.Add(observer);
            current = _state;
        }

        return new Subscription(this, observer);
    }

    /// <summary>Applies the next entry; one that was applied before is skipped.</summary>
    /// <exception cref="ArgumentException">An entry between is missing.</exception>
    /// <exception cref="RegistryForkException">The last one that was applied is of the same index, and is another.</exception>
    public void Apply(long index, RegistryEntry entry)
    {
        lock (_writing)
        {
            if (index > _state.Index)
            {
                Publish(RegistryMachine.Apply(_state, index, entry), index, entry);
            }
            else if (_last is { } last && last.Index == index && !EntryMark.Of(last.Entry).AsSpan().SequenceEqual(EntryMark.Of(entry)))
            {
                throw new RegistryForkException($"another entry {index} came than the one that was applied here");
            }
        }
    }

    /// <summary>Takes the state that the leader reached by deciding the next entry, instead of computing it a second time.</summary>
    internal void Advance(RegistryState after, RegistryEntry entry)
    {
        lock (_writing)
        {
            if (after.Index != _state.Index + 1)
            {
                throw new ArgumentException($"entry {after.Index} does not follow entry {_state.Index}", nameof(after));
            }

            Publish(after, after.Index, entry);
        }
    }

    /// <summary>Takes a later state, from a snapshot; an earlier one is skipped.</summary>
    public void Replace(RegistryState state)
    {
        lock (_writing)
        {
            if (state.Index <= _state.Index)
            {
                return;
            }

            var before = _state;
            _state = state;
            _last = null;
            foreach (var observer in _observers)
            {
                observer.Replaced(before, state);
            }

            Settle(state.Index);
        }
    }

    private void Publish(RegistryState after, long index, RegistryEntry entry)
    {
        var before = _state;
        _state = after;
        _last = new EntryUpdate(index, entry);
        foreach (var observer in _observers)
        {
            observer.Applied(before, after, index, entry);
        }

        Settle(index);
    }

    private void Settle(long index)
    {
        Volatile.Write(ref _index, index);
        _advanced.Raise();
    }

    private sealed class Subscription(RegistryReplica replica, IRegistryObserver observer) : IDisposable
    {
        public void Dispose()
        {
            lock (replica._writing)
            {
                replica._observers = replica._observers.Remove(observer);
            }
        }
    }
}
