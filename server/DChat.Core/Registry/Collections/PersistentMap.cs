using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace DChat.Core.Registry.Collections;

/// <summary>
/// An immutable hash table by linear hashing over a <see cref="PersistentVector{T}"/>: a change copies one bucket and its path,
/// and it grows by one bucket at a time, so that no change ever waits for all to be hashed again.
/// String keys are hashed with the process's random seed: nobody can choose names that collide. The order of the entries is nowhere seen.
/// </summary>
internal readonly struct PersistentMap<TKey, TValue>
    where TKey : notnull, IEquatable<TKey>
{
    /// <summary>Entries a bucket, on average.</summary>
    private const int Load = 4;

    private readonly PersistentVector<KeyValuePair<TKey, TValue>[]> _buckets;

    private PersistentMap(PersistentVector<KeyValuePair<TKey, TValue>[]> buckets, int count)
    {
        _buckets = buckets;
        Count = count;
    }

    public int Count { get; }

    /// <summary>A map of many entries at once, as adding them one by one makes it; a key that comes twice throws <see cref="ArgumentException"/>.</summary>
    public static PersistentMap<TKey, TValue> Of(IReadOnlyList<KeyValuePair<TKey, TValue>> entries, object? owner)
    {
        if (entries.Count == 0)
        {
            return default;
        }

        var size = (entries.Count + Load - 1) / Load;
        var addresses = new int[entries.Count];
        var left = new int[size];
        for (var at = 0; at < addresses.Length; at++)
        {
            addresses[at] = Address(entries[at].Key.GetHashCode(), size);
            left[addresses[at]]++;
        }

        var filled = new KeyValuePair<TKey, TValue>[size][];
        var buckets = default(PersistentVector<KeyValuePair<TKey, TValue>[]>);
        for (var bucket = 0; bucket < size; bucket++)
        {
            filled[bucket] = left[bucket] == 0 ? [] : new KeyValuePair<TKey, TValue>[left[bucket]];
            buckets = buckets.Append(filled[bucket], owner);
        }

        for (var at = 0; at < addresses.Length; at++)
        {
            var bucket = filled[addresses[at]];
            var place = bucket.Length - left[addresses[at]]--;
            bucket[place] = entries[at];
            if (Find(bucket.AsSpan(0, place), entries[at].Key) >= 0)
            {
                throw new ArgumentException($"{entries[at].Key} is there twice", nameof(entries));
            }
        }

        return new PersistentMap<TKey, TValue>(buckets, entries.Count);
    }

    public bool TryGet(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        if (_buckets.Count > 0)
        {
            foreach (ref readonly var entry in _buckets[BucketOf(key)].AsSpan())
            {
                if (entry.Key.Equals(key))
                {
                    value = entry.Value;
                    return true;
                }
            }
        }

        value = default;
        return false;
    }

    public bool Contains(TKey key) => TryGet(key, out _);

    /// <summary>Adds the entry, or replaces that of the same key.</summary>
    public PersistentMap<TKey, TValue> Set(TKey key, TValue value, object? owner)
    {
        if (_buckets.Count == 0)
        {
            return new PersistentMap<TKey, TValue>(_buckets.Append([new(key, value)], owner), 1);
        }

        var index = BucketOf(key);
        var bucket = _buckets[index];
        var at = Find(bucket, key);
        if (at >= 0)
        {
            var replaced = bucket.AsSpan().ToArray();
            replaced[at] = new(key, value);
            return new PersistentMap<TKey, TValue>(_buckets.Set(index, replaced, owner), Count);
        }

        var grown = new PersistentMap<TKey, TValue>(_buckets.Set(index, [.. bucket, new(key, value)], owner), Count + 1);
        return grown.Count > Load * _buckets.Count ? grown.Split(owner) : grown;
    }

    public PersistentMap<TKey, TValue> Remove(TKey key, object? owner)
    {
        if (_buckets.Count == 0)
        {
            return this;
        }

        var index = BucketOf(key);
        var bucket = _buckets[index];
        var at = Find(bucket, key);
        if (at < 0)
        {
            return this;
        }

        KeyValuePair<TKey, TValue>[] rest = [.. bucket.AsSpan(0, at), .. bucket.AsSpan(at + 1)];
        return new PersistentMap<TKey, TValue>(_buckets.Set(index, rest, owner), Count - 1);
    }

    /// <summary>All entries, in no order.</summary>
    public IEnumerable<KeyValuePair<TKey, TValue>> Entries()
    {
        foreach (var bucket in _buckets.Items())
        {
            foreach (var entry in bucket)
            {
                yield return entry;
            }
        }
    }

    private static int Find(ReadOnlySpan<KeyValuePair<TKey, TValue>> bucket, TKey key)
    {
        for (var at = 0; at < bucket.Length; at++)
        {
            if (bucket[at].Key.Equals(key))
            {
                return at;
            }
        }

        return -1;
    }

    private int BucketOf(TKey key) => Address(key.GetHashCode(), _buckets.Count);

    /// <summary>The hash modulo the next power of two, or, where that bucket does not exist yet, modulo the power of two before.</summary>
    private static int Address(int hash, int buckets)
    {
        var size = BitOperations.RoundUpToPowerOf2((uint)buckets);
        var address = (uint)hash & (size - 1);
        return (int)(address < (uint)buckets ? address : address & ((size >> 1) - 1));
    }

    /// <summary>Makes the next bucket, and gives it its part of the one that stood in for it.</summary>
    private PersistentMap<TKey, TValue> Split(object? owner)
    {
        var added = _buckets.Count;
        var source = Address(added, added);
        List<KeyValuePair<TKey, TValue>> stay = [], move = [];
        foreach (var entry in _buckets[source])
        {
            (Address(entry.Key.GetHashCode(), added + 1) == added ? move : stay).Add(entry);
        }

        return new PersistentMap<TKey, TValue>(_buckets.Append([.. move], owner).Set(source, [.. stay], owner), Count);
    }
}
