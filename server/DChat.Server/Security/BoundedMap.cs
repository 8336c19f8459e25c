using System.Diagnostics.CodeAnalysis;

namespace DChat.Server.Security;

/// <summary>
/// A map that forgets: it holds at least the newest <c>capacity</c> entries that were touched and at most twice as many, whatever
/// keys it is given. (Two generations: when the younger is full it becomes the older one, and what was the older is dropped.)
/// Not safe for several threads.
/// </summary>
internal sealed class BoundedMap<TValue>(int capacity)
{
    private Dictionary<string, TValue> _young = new(StringComparer.Ordinal);
    private Dictionary<string, TValue> _old = new(StringComparer.Ordinal);

    public int Count => _young.Count + _old.Count;

    public bool TryGet(string key, [MaybeNullWhen(false)] out TValue value) => _young.TryGetValue(key, out value) || _old.TryGetValue(key, out value);

    public void Set(string key, TValue value)
    {
        _old.Remove(key);
        _young[key] = value;
        if (_young.Count >= capacity)
        {
            (_old, _young) = (_young, new Dictionary<string, TValue>(StringComparer.Ordinal));
        }
    }

    public void Remove(string key)
    {
        _young.Remove(key);
        _old.Remove(key);
    }
}
