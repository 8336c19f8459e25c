namespace DChat.Core.Registry.Collections;

/// <summary>
/// An immutable sorted list of small values with unique keys: one exact array while it is short (nearly always),
/// else runs of at most <see cref="RunLength"/>, so that a change copies one run and the list of runs.
/// </summary>
internal readonly struct SortedRuns<T>
    where T : struct, IKeyed
{
    public const int RunLength = 256;

    /// <summary>Null: empty; an array: one run; else <see cref="Many"/>.</summary>
    private readonly object? _data;

    private SortedRuns(object? data) => _data = data;

    public int Count => _data switch { null => 0, T[] run => run.Length, _ => ((Many)_data).Count };

    public int RunCount => _data switch { null => 0, T[] => 1, _ => ((Many)_data).Runs.Length };

    public ReadOnlySpan<T> Run(int run) => _data is T[] only ? only : ((Many)_data!).Runs[run];

    public T First => Run(0)[0];

    /// <summary>The value at a place; constant time in a short list.</summary>
    public T this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
            if (_data is T[] only)
            {
                return only[index];
            }

            var run = 0;
            for (; index >= Run(run).Length; run++)
            {
                index -= Run(run).Length;
            }

            return Run(run)[index];
        }
    }

    /// <summary>Takes the array over; keys that do not ascend throw <see cref="ArgumentException"/>.</summary>
    public static SortedRuns<T> FromSorted(T[] values)
    {
        for (var i = 1; i < values.Length; i++)
        {
            if (values[i - 1].Key >= values[i].Key)
            {
                throw new ArgumentException("keys must ascend", nameof(values));
            }
        }

        return values.Length switch
        {
            0 => default,
            <= RunLength => new SortedRuns<T>(values),
            _ => new SortedRuns<T>(new Many(values.Length, values.Chunk(RunLength).ToArray())),
        };
    }

    public bool TryGet(uint key, out T value)
    {
        if (_data is not null)
        {
            var run = Run(FindRun(key));
            var at = FindIn(run, key);
            if (at >= 0)
            {
                value = run[at];
                return true;
            }
        }

        value = default;
        return false;
    }

    public bool Contains(uint key) => TryGet(key, out _);

    /// <summary>Adds the value, or replaces the one of the same key.</summary>
    public SortedRuns<T> Set(T value)
    {
        if (_data is null)
        {
            return new SortedRuns<T>(new[] { value });
        }

        var index = FindRun(value.Key);
        var run = Run(index);
        var at = FindIn(run, value.Key);
        if (at >= 0)
        {
            var replaced = run.ToArray();
            replaced[at] = value;
            return WithRun(index, Count, replaced);
        }

        at = ~at;
        if (run.Length < RunLength)
        {
            var grown = new T[run.Length + 1];
            run[..at].CopyTo(grown);
            grown[at] = value;
            run[at..].CopyTo(grown.AsSpan(at + 1));
            return WithRun(index, Count + 1, grown);
        }

        // A full run is split; at the end it stays full, as lists mostly grow there.
        var cut = at == run.Length ? run.Length : run.Length / 2;
        var left = SortedRuns<T>.Insert(run[..cut], value, at < cut ? at : -1);
        var right = SortedRuns<T>.Insert(run[cut..], value, at < cut ? -1 : at - cut);
        return WithRun(index, Count + 1, left, right);
    }

    /// <summary>Adds values whose keys ascend and are greater than all that are there.</summary>
    public SortedRuns<T> AppendRange(ReadOnlySpan<T> values)
    {
        if (values.IsEmpty)
        {
            return this;
        }

        var runs = new List<T[]>();
        for (var i = 0; i < RunCount; i++)
        {
            runs.Add(_data is T[] only ? only : ((Many)_data!).Runs[i]);
        }

        var room = runs.Count == 0 ? 0 : RunLength - runs[^1].Length;
        var first = Math.Min(room, values.Length);
        if (first > 0)
        {
            runs[^1] = [.. runs[^1], .. values[..first]];
        }

        for (var at = first; at < values.Length; at += RunLength)
        {
            runs.Add(values.Slice(at, Math.Min(RunLength, values.Length - at)).ToArray());
        }

        return runs.Count == 1 ? new SortedRuns<T>(runs[0]) : new SortedRuns<T>(new Many(Count + values.Length, [.. runs]));
    }

    public SortedRuns<T> Remove(uint key)
    {
        if (_data is null)
        {
            return this;
        }

        var index = FindRun(key);
        var run = Run(index);
        var at = FindIn(run, key);
        if (at < 0)
        {
            return this;
        }

        if (run.Length == 1)
        {
            return WithRun(index, Count - 1);
        }

        var rest = new T[run.Length - 1];
        run[..at].CopyTo(rest);
        run[(at + 1)..].CopyTo(rest.AsSpan(at));
        return WithRun(index, Count - 1, rest);
    }

    /// <summary>The values whose keys are greater than <paramref name="key"/> (-1: all), ascending.</summary>
    public IEnumerable<T> After(long key = -1)
    {
        if (_data is null || key >= uint.MaxValue)
        {
            yield break;
        }

        var start = key < 0 ? 0 : FindRun((uint)key);
        for (var index = start; index < RunCount; index++)
        {
            var from = index == start && key >= 0 ? FindIn(Run(index), (uint)key) : 0;
            from = from < 0 ? ~from : index == start && key >= 0 ? from + 1 : 0;
            for (var at = from; at < Run(index).Length; at++)
            {
                yield return Run(index)[at];
            }
        }
    }

    private static T[] Insert(ReadOnlySpan<T> run, T value, int at)
    {
        if (at < 0)
        {
            return run.ToArray();
        }

        T[] grown = [.. run[..at], value, .. run[at..]];
        return grown;
    }

    /// <summary>The run that holds the key or where it belongs: the last one that begins at or below it.</summary>
    private int FindRun(uint key)
    {
        if (_data is T[])
        {
            return 0;
        }

        var runs = ((Many)_data!).Runs;
        int low = 0, high = runs.Length - 1;
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (runs[middle][0].Key <= key)
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }

        return low;
    }

    private static int FindIn(ReadOnlySpan<T> run, uint key)
    {
        int low = 0, high = run.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var found = run[middle].Key;
            if (found == key)
            {
                return middle;
            }

            if (found < key)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return ~low;
    }

    private SortedRuns<T> WithRun(int index, int count, params ReadOnlySpan<T[]> replacement)
    {
        if (_data is T[])
        {
            return replacement.Length switch
            {
                0 => default,
                1 => new SortedRuns<T>(replacement[0]),
                _ => new SortedRuns<T>(new Many(count, replacement.ToArray())),
            };
        }

        var runs = ((Many)_data!).Runs;
        T[][] changed = [.. runs.AsSpan(0, index), .. replacement, .. runs.AsSpan(index + 1)];
        return changed.Length == 1 ? new SortedRuns<T>(changed[0]) : new SortedRuns<T>(new Many(count, changed));
    }

    private sealed record Many(int Count, T[][] Runs);
}
