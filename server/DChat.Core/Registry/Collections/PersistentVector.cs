namespace DChat.Core.Registry.Collections;

/// <summary>
/// An immutable array that grows at its end: a radix tree with 32 children a node, so a change copies three or four small nodes.
/// Within one batch of changes an <c>owner</c> object marks the nodes that the batch made, which are changed in place:
/// nobody else may hold a vector made with an owner that is still in use.
/// </summary>
internal readonly struct PersistentVector<T>
{
    private const int Bits = 5;
    private const int Width = 1 << Bits;
    private const int Mask = Width - 1;

    private readonly Node? _root;

    /// <summary>Bits of the index below the root's: 0 where the root is a leaf.</summary>
    private readonly int _shift;

    private PersistentVector(Node? root, int shift, int count)
    {
        _root = root;
        _shift = shift;
        Count = count;
    }

    public int Count { get; }

    public T this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
            var node = _root!;
            for (var shift = _shift; shift > 0; shift -= Bits)
            {
                node = ((Branch)node).Children[(index >> shift) & Mask]!;
            }

            return ((Leaf)node).Items[index & Mask];
        }
    }

    public PersistentVector<T> Set(int index, T value, object? owner)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
        return new PersistentVector<T>(Put(_root, _shift, index, value, owner), _shift, Count);
    }

    public PersistentVector<T> Append(T value, object? owner)
    {
        var (root, shift) = (_root, _shift);
        if (root is not null && Count == Width << shift)
        {
            var taller = new Branch(owner);
            taller.Children[0] = root;
            root = taller;
            shift += Bits;
        }

        return new PersistentVector<T>(Put(root, shift, Count, value, owner), shift, Count + 1);
    }

    public IEnumerable<T> Items()
    {
        for (var start = 0; start < Count; start += Width)
        {
            var node = _root!;
            for (var shift = _shift; shift > 0; shift -= Bits)
            {
                node = ((Branch)node).Children[(start >> shift) & Mask]!;
            }

            var items = ((Leaf)node).Items;
            for (var at = 0; at < Math.Min(Width, Count - start); at++)
            {
                yield return items[at];
            }
        }
    }

    private static Node Put(Node? node, int shift, int index, T value, object? owner)
    {
        if (shift == 0)
        {
            var leaf = (Leaf?)node;
            if (leaf is null || leaf.Owner is null || leaf.Owner != owner)
            {
                leaf = new Leaf(owner, leaf);
            }

            leaf.Items[index & Mask] = value;
            return leaf;
        }

        var branch = (Branch?)node;
        if (branch is null || branch.Owner is null || branch.Owner != owner)
        {
            branch = new Branch(owner, branch);
        }

        ref var child = ref branch.Children[(index >> shift) & Mask];
        child = Put(child, shift - Bits, index, value, owner);
        return branch;
    }

    private abstract class Node(object? owner)
    {
        public object? Owner { get; } = owner;
    }

    private sealed class Branch(object? owner, Branch? copied = null) : Node(owner)
    {
        public Node?[] Children { get; } = copied is null ? new Node?[Width] : (Node?[])copied.Children.Clone();
    }

    private sealed class Leaf(object? owner, Leaf? copied = null) : Node(owner)
    {
        public T[] Items { get; } = copied is null ? new T[Width] : (T[])copied.Items.Clone();
    }
}
