using DChat.Core.Registry.Collections;
using FsCheck;
using FsCheck.Fluent;

namespace DChat.Core.Tests.Registry.Collections;

/// <summary>Each collection against the framework's, over random changes; a failure prints the seed.</summary>
public sealed class CollectionTests
{
    /// <summary>Long enough for several levels, runs and splits.</summary>
    private const int Changes = 3_000;

    [Fact]
    public void A_vector_is_a_list() => ForAll(Gen.Choose(0, 99), steps =>
    {
        var list = new List<int>();
        var vector = default(PersistentVector<int>);
        var owner = new object();
        var versions = new List<(int[], PersistentVector<int>)>();
        foreach (var step in steps)
        {
            var one = step % 2 == 0 ? owner : null;
            if (step < 70 || list.Count == 0)
            {
                list.Add(step);
                vector = vector.Append(step, one);
            }
            else
            {
                list[step * 31 % list.Count] = step;
                vector = vector.Set(step * 31 % list.Count, step, one);
            }

            if (list.Count % 1_000 == 0)
            {
                // From here on another batch: the version just taken must not change any more.
                owner = new object();
                versions.Add(([.. list], vector));
            }
        }

        Assert.Equal(list, vector.Items());
        Assert.Equal(list, Enumerable.Range(0, list.Count).Select(i => vector[i]));
        Assert.All(versions, version => Assert.Equal(version.Item1, version.Item2.Items()));
        Assert.Throws<ArgumentOutOfRangeException>(() => vector[list.Count]);
        Assert.Throws<ArgumentOutOfRangeException>(() => vector.Set(-1, 0, null));
    });

    [Fact]
    public void A_map_is_a_dictionary() => ForAll(Gen.Choose(0, 900), steps =>
    {
        var dictionary = new Dictionary<string, int>();
        var map = default(PersistentMap<string, int>);
        Assert.Equal(0, map.Remove("x", null).Count);
        Assert.False(map.Contains("x"));
        var owner = new object();
        var half = default(PersistentMap<string, int>);
        var expected = new Dictionary<string, int>();
        for (var i = 0; i < steps.Length; i++)
        {
            var key = $"k{steps[i]}";
            if (i % 3 == 2)
            {
                dictionary.Remove(key);
                map = map.Remove(key, owner);
            }
            else
            {
                dictionary[key] = i;
                map = map.Set(key, i, owner);
            }

            if (i == steps.Length / 2)
            {
                (half, expected, owner) = (map, new(dictionary), new object());
            }
        }

        Same(dictionary, map);
        Same(expected, half);

        // Made at once it is the same, and grows and shrinks as the other.
        Same(dictionary, PersistentMap<string, int>.Of([.. dictionary], null));
        var made = PersistentMap<string, int>.Of([.. expected], null);
        foreach (var key in expected.Keys.Where(key => !dictionary.ContainsKey(key)))
        {
            made = made.Remove(key, null);
        }

        foreach (var (key, value) in dictionary)
        {
            made = made.Set(key, value, null);
        }

        Same(dictionary, made);

        static void Same(Dictionary<string, int> dictionary, PersistentMap<string, int> map)
        {
            Assert.Equal(dictionary.Count, map.Count);
            Assert.Equal(dictionary.OrderBy(entry => entry.Key), map.Entries().OrderBy(entry => entry.Key));
            Assert.All(dictionary, entry => Assert.True(map.TryGet(entry.Key, out var value) && value == entry.Value));
            Assert.False(map.Contains("other"));
        }
    });

    [Fact]
    public void A_map_is_not_made_of_a_key_that_comes_twice() =>
        Assert.Throws<ArgumentException>(() => PersistentMap<string, int>.Of([new("a", 1), new("b", 2), new("a", 3)], null));

    [Fact]
    public void Sorted_runs_are_a_sorted_dictionary() => ForAll(Gen.Choose(0, 2_000), steps =>
    {
        var sorted = new SortedDictionary<uint, HandleEntry>();
        var runs = default(SortedRuns<HandleEntry>);
        Assert.Empty(runs.After());
        Assert.Equal(0, runs.Remove(4).RunCount);
        for (var i = 0; i < steps.Length; i++)
        {
            var entry = new HandleEntry(steps[i]);
            var grows = i < steps.Length * 2 / 3;
            if (grows ? i % 5 != 4 : i % 5 == 4)
            {
                sorted[entry.Key] = entry;
                runs = runs.Set(entry);
            }
            else
            {
                sorted.Remove(entry.Key);
                runs = runs.Remove(entry.Key);
            }
        }

        Assert.Equal(sorted.Count, runs.Count);
        Assert.Equal(sorted.Values, runs.After());
        Assert.Equal(sorted.Values, Enumerable.Range(0, runs.Count).Select(place => runs[place]));
        Assert.Throws<ArgumentOutOfRangeException>(() => runs[runs.Count]);
        Assert.Equal(sorted.Values, Enumerable.Range(0, runs.RunCount).SelectMany(run => runs.Run(run).ToArray()));
        foreach (var after in new uint[] { 0, 1, 77, 1_000, 1_999, 5_000, uint.MaxValue })
        {
            Assert.Equal(sorted.Values.Where(entry => entry.Key > after), runs.After(after));
            Assert.Equal(sorted.ContainsKey(after), runs.Contains(after));
        }

        foreach (var key in sorted.Keys.ToList())
        {
            runs = runs.Remove(key);
        }

        Assert.Equal(0, runs.Count);
    });

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 1)]
    [InlineData(3, 0)]
    [InlineData(3, 4)]
    [InlineData(256, 1)]
    [InlineData(255, 2)]
    [InlineData(10, 1_000)]
    [InlineData(700, 700)]
    public void A_range_is_appended(int before, int more)
    {
        HandleEntry[] all = [.. Enumerable.Range(0, before + more).Select(i => new HandleEntry(i))];
        var runs = SortedRuns<HandleEntry>.FromSorted(all[..before]).AppendRange(all.AsSpan(before));
        Assert.Equal(all, runs.After());
        Assert.Equal(all.Length, runs.Count);
    }

    [Fact]
    public void Unsorted_values_are_refused() =>
        Assert.Throws<ArgumentException>(() => SortedRuns<HandleEntry>.FromSorted([new HandleEntry(2), new HandleEntry(2)]));

    private static void ForAll(Gen<int> element, Action<int[]> holds) =>
        Prop.ForAll(Arb.From(Gen.ArrayOf(element, Changes)), holds).Check(Config.QuickThrowOnFailure.WithMaxTest(20));
}
