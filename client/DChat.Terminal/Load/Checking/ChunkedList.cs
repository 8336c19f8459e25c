namespace DChat.Terminal.Load.Checking;

/// <summary>
/// An append-only list whose elements never move, so that one thread may append while others read what is there already.
/// </summary>
internal sealed class ChunkedList<T>
    where T : struct
{
    private const int ChunkBits = 12;
    private const int ChunkSize = 1 << ChunkBits;

    private T[]?[] _chunks = new T[]?[4];
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public ref T this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
            return ref Volatile.Read(ref _chunks)[index >> ChunkBits]![index & (ChunkSize - 1)];
        }
    }

    /// <summary>Makes the list at least <paramref name="count"/> long, with default elements. One thread at a time.</summary>
    public void Grow(int count)
    {
        if (count <= _count)
        {
            return;
        }

        var chunks = _chunks;
        var needed = ((count - 1) >> ChunkBits) + 1;
        if (needed > chunks.Length)
        {
            Array.Resize(ref chunks, Math.Max(needed, chunks.Length * 2));
        }

        for (var at = needed - 1; at >= 0 && chunks[at] is null; at--)
        {
            chunks[at] = new T[ChunkSize];
        }

        Volatile.Write(ref _chunks, chunks);
        Volatile.Write(ref _count, count);
    }

    /// <summary>Appends and answers the index. One thread at a time.</summary>
    public int Add(in T element)
    {
        var index = _count;
        if ((index & (ChunkSize - 1)) == 0 || index >> ChunkBits >= _chunks.Length || _chunks[index >> ChunkBits] is null)
        {
            Grow(index + 1);
            this[index] = element;
            return index;
        }

        _chunks[index >> ChunkBits]![index & (ChunkSize - 1)] = element;
        Volatile.Write(ref _count, index + 1);
        return index;
    }
}
