using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using DChat.Core.ControlLog;
using DChat.Storage.Etcd;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit.Abstractions;

namespace DChat.Storage.Tests.Etcd;

/// <summary>A log in a real etcd is read at its ends and page by page, never as a whole, and what is told of it is of one moment.</summary>
public sealed class EtcdBoundsTests : IClassFixture<EtcdClientTests.OneMember>, IDisposable
{
    private const int PutsAtOnce = 100;

    private readonly ITestOutputHelper _output;
    private readonly string _member;
    private readonly string _prefix = Guid.NewGuid().ToString("N");
    private readonly EtcdClient _client;

    /// <summary>Of the log that <see cref="_prefix"/> names; some tests use more.</summary>
    private readonly EtcdKeys _keys;

    public EtcdBoundsTests(EtcdClientTests.OneMember fixture, ITestOutputHelper output)
    {
        _output = output;
        _member = fixture.Etcd.Members[0].Address;
        _client = new EtcdClient(Url(_member, _prefix), TimeProvider.System);
        _keys = new EtcdKeys(_prefix);
    }

    public void Dispose() => _client.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(33)]
    [InlineData(1000)]
    [InlineData(EtcdBounds.CountedAtOnce - 1)]
    [InlineData(EtcdBounds.CountedAtOnce)]
    [InlineData(EtcdBounds.CountedAtOnce + 1)]
    [InlineData((2 * EtcdBounds.CountedAtOnce) + 1)]
    public async Task The_bounds_are_right_whoever_asks(int size)
    {
        (int Gone, bool IsTold)[] removals = [(size / 2, true), (size, true), (1, false), (size - 1, false)]; // Of a full etcd the last entry is kept.
        foreach (var (gone, isTold) in removals.Where(removal => removal.IsTold || (removal.Gone > 0 && removal.Gone < size)).Distinct())
        {
            var keys = new EtcdKeys($"{_prefix}/{gone}/{isTold}");
            EtcdBounds empty = new(_client, keys), half = new(_client, keys), whole = new(_client, keys);
            await AssertAsync(1, 0, empty);
            await PutAsync(keys, 1, size / 2);
            await AssertAsync(1, size / 2, half, half); // As if asked again.
            await PutAsync(keys, (size / 2) + 1, size);
            await AssertAsync(1, size, whole);
            await RemoveAsync(keys, gone, isTold);
            await AssertAsync(gone + 1, size, empty, half, whole, whole, new EtcdBounds(_client, keys));
            await PutAsync(keys, size + 1, size + 3);
            await AssertAsync(gone + 1, size + 3, empty, half, whole, new EtcdBounds(_client, keys));
            if (isTold)
            {
                await RemoveAsync(keys, size + 3, isTold);
                await AssertAsync(size + 4, size + 3, empty, half, whole, new EtcdBounds(_client, keys));
            }

            async Task AssertAsync(long first, long last, params EtcdBounds[] asked)
            {
                foreach (var bounds in asked)
                {
                    Assert.Equal(new LogBounds(first, last), (await bounds.ReadAsync(CancellationToken.None).Within()).Bounds);
                }
            }
        }
    }

    [Fact]
    public async Task No_request_goes_through_the_log_or_has_it_sorted()
    {
        const int Last = 3000;
        await using var ear = new EtcdEar(_member);
        await using var log = Open(ear.Address);
        await using var leadership = await log.CampaignAsync("a:1", CancellationToken.None).Within();
        var term = leadership.Term;
        Assert.Equal(AppendOutcome.Committed, await AppendAsync(1));
        await PutAsync(_keys, 2, Last);
        await using (var next = Open(ear.Address))
        {
            Assert.InRange(await AskedByAsync(next.ReadBoundsAsync), 1, 4);
            Assert.Equal(1, await AskedByAsync(next.ReadBoundsAsync)); // As a standby asks, time and again.
            Assert.Equal((Last + 31) / 32, await AskedByAsync(async stop =>
            {
                await foreach (var entry in next.FollowAsync(1, stop))
                {
                    if (entry.Index == Last)
                    {
                        break;
                    }
                }
            }));
        }

        Assert.Equal(AppendOutcome.Committed, await AppendAsync(Last + 1));
        Assert.Equal(1, await AskedByAsync(async _ => Assert.Equal(AppendOutcome.Committed, await AppendAsync(Last + 1)))); // A repeat.
        Assert.Equal(1, await AskedByAsync(async _ => Assert.Equal(AppendOutcome.WrongIndex, await AppendAsync(1, value: 7))));
        Assert.Equal(1, await AskedByAsync(async _ => Assert.Equal(AppendOutcome.Fenced, await AppendAsync(Last + 2, term + 1))));
        Assert.Equal(AppendOutcome.WrongIndex, await AppendAsync(Last + 10));
        await Assert.ThrowsAsync<InvalidOperationException>(() => log.BeginAfterAsync(term, 7, CancellationToken.None).Within());
        Assert.True(await log.TruncateAsync(term, 100, CancellationToken.None).Within());
        Assert.Equal(101, (await Assert.ThrowsAsync<EntryTruncatedException>(() => FirstAsync(log, 50))).First);
        Assert.Equal(AppendOutcome.WrongIndex, await AppendAsync(50));
        Assert.All(ear.Ranges, range => AssertShort(range, Last + 1));
        Assert.All(ear.Asked.SelectMany(asked => asked["compare"]?.AsArray() ?? []).Where(compare => compare!["range_end"] is not null), compare =>
        {
            // Nothing behind a comparison that does not hold is looked at.
            var all = compare!.Parent!.AsArray();
            Assert.Same(compare, all[^1]);
            Assert.Contains(all, before => before!["range_end"] is null && IndexOf(before["key"]!) == 1 && (string?)before["target"] == "CREATE");
        });

        // The branch that is taken reads nothing.
        ear.Asked.Clear();
        Assert.Null(await EtcdProbe.LookAsync(Url(ear.Address, _prefix), TimeProvider.System, _ => { }).Within());
        Assert.All(ear.Asked, asked => Assert.Empty(asked["failure"]!.AsArray()));

        // Where its key does not tell where the log begins, it is looked for once.
        Assert.True(await log.FreeAsync(term, 200, CancellationToken.None).Within());
        ear.Asked.Clear();
        await using var late = Open(ear.Address);
        Assert.Equal(new LogBounds(201, Last + 1), await late.ReadBoundsAsync(CancellationToken.None).Within());
        var searched = Assert.Single(ear.Ranges.DistinctBy(range => range.ToJsonString()), range => range["range_end"] is { } end && IndexOf(end) is null && IndexOf(range["key"]) <= Last + 1);
        Assert.Equal((1, true, (string?)null), ((int)searched["limit"]!, (bool)searched["keys_only"]!, (string?)searched["sort_order"]));
        Assert.Equal(1, await AskedByAsync(late.ReadBoundsAsync));

        // A try that took too long is repeated as it was.
        async Task<int> AskedByAsync(Func<CancellationToken, Task> act)
        {
            var before = ear.Asked.Count;
            await act(CancellationToken.None).Within();
            return ear.Asked.Skip(before).Select(asked => asked.ToJsonString()).Distinct().Count();
        }

        Task<AppendOutcome> AppendAsync(long index, long? asTerm = null, byte? value = null) => log.AppendAsync(asTerm ?? term, index, new[] { value ?? (byte)index }, CancellationToken.None).Within();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Both_bounds_are_of_one_moment_though_the_log_is_changed_while_they_are_looked_for(bool isCompacted)
    {
        await PutAsync(_keys, 1, 3000);
        await using var ear = new EtcdEar(_member);
        await using var log = Open(ear.Address);
        var isChanged = false;
        ear.BeforeRevision = async () =>
        {
            await RemoveAsync(_keys, 100, isTold: true);
            var revision = await PutAsync(_keys, 3001, 3100);
            if (isCompacted)
            {
                await _client.CompactAsync(revision, CancellationToken.None);
            }

            isChanged = true;
        };
        Assert.Equal(isCompacted ? new LogBounds(101, 3100) : new LogBounds(1, 3000), await log.ReadBoundsAsync(CancellationToken.None).Within());
        Assert.True(isChanged);
        Assert.Equal(new LogBounds(101, 3100), await log.ReadBoundsAsync(CancellationToken.None).Within());
    }

    [Fact]
    public async Task Bounds_that_are_read_while_the_log_grows_and_is_truncated_are_those_of_a_moment_between()
    {
        const int Readers = 4;
        const int ReadsLeast = 40;
        var random = new Random(Seed.Print(_output));
        var steps = LongTests.Pick(150, 3000);
        var now = new LogBounds(1, 2500);
        await PutAsync(_keys, 1, now.Last);
        List<LogBounds> states = [now];
        var (done, reads) = (0, new int[Readers]);
        var isOver = false;
        var readers = Enumerable.Range(0, Readers).Select(reader => Task.Run(async () =>
        {
            var warm = new EtcdBounds(_client, _keys);
            while (!Volatile.Read(ref isOver))
            {
                var from = Volatile.Read(ref done);
                var (bounds, _) = await (reader % 2 == 0 ? warm : new EtcdBounds(_client, _keys)).ReadAsync(CancellationToken.None);
                lock (states)
                {
                    Assert.True(states.IndexOf(bounds, from) >= 0, $"reader {reader} was told {bounds}, and it was {string.Join(", ", states.Skip(from))}");
                }

                Interlocked.Increment(ref reads[reader]);
            }
        })).ToArray();
        while (readers.All(reader => !reader.IsCompleted) && (done < steps || reads.Any(count => count < ReadsLeast)))
        {
            var gone = now.First - 1 + random.NextInt64(0, (now.Last - now.First) / 3);
            var isRemoval = now.Last - now.First > 2000 && random.Next(2) == 0;
            now = isRemoval ? now with { First = gone + 1 } : now with { Last = now.Last + random.Next(1, PutsAtOnce) };
            lock (states)
            {
                states.Add(now);
            }

            var revision = isRemoval ? await RemoveAsync(_keys, gone, isTold: random.Next(3) > 0) : await PutAsync(_keys, states[^2].Last + 1, now.Last);
            Volatile.Write(ref done, states.Count - 1);
            if (isRemoval && random.Next(10) == 0)
            {
                await _client.CompactAsync(revision, CancellationToken.None);
            }
        }

        Volatile.Write(ref isOver, true);
        await Task.WhenAll(readers).Within();
        _output.WriteLine($"{done} changes, {string.Join(", ", reads)} reads, {now} in the end");
    }

    [Fact]
    public async Task A_hole_of_any_length_is_called_damage()
    {
        await PutAsync(_keys, 1, 3000);
        await _client.TxnAsync(new EtcdTxn([], [EtcdOperation.Delete(_keys.Entry(1500), _keys.Entry(2900))], []), CancellationToken.None);
        await using var log = Open(_member);
        Assert.Contains("entry 1500 is missing", (await Assert.ThrowsAsync<ControlLogDamagedException>(() => log.ReadBoundsAsync(CancellationToken.None).Within())).Message, StringComparison.Ordinal);

        await _client.TxnAsync(new EtcdTxn([], [EtcdOperation.Delete(_keys.Entry(900), _keys.Entry(950)), EtcdOperation.Delete(_keys.Entry(1000), _keys.End)], []), CancellationToken.None);
        Assert.Contains("entry 900 is missing", (await Assert.ThrowsAsync<ControlLogDamagedException>(() => ReadAllAsync(850))).Message, StringComparison.Ordinal);
        Assert.Contains("entry 920 is missing", (await Assert.ThrowsAsync<ControlLogDamagedException>(() => FirstAsync(log, 920))).Message, StringComparison.Ordinal);

        async Task ReadAllAsync(long from)
        {
            await using var entries = log.FollowAsync(from, CancellationToken.None).GetAsyncEnumerator();
            while (await entries.MoveNextAsync().AsTask().Within())
            {
                Assert.InRange(entries.Current.Index, from, 899);
            }
        }
    }

    private static EtcdUrl Url(string member, string prefix) => EtcdUrl.Parse($"etcd://{member}/{prefix}?lease=60");

    private EtcdControlLog Open(string member) => new(Url(member, _prefix), TimeProvider.System, NullLogger<EtcdControlLog>.Instance);

    private static async Task<LogEntry> FirstAsync(EtcdControlLog log, long from)
    {
        await using var entries = log.FollowAsync(from, CancellationToken.None).GetAsyncEnumerator();
        Assert.True(await entries.MoveNextAsync().AsTask().Within());
        return entries.Current;
    }

    /// <summary>Entries as they are appended, many at once.</summary>
    /// <returns>The revision.</returns>
    private async Task<long> PutAsync(EtcdKeys keys, long from, long through)
    {
        var revision = 0L;
        for (; from <= through; from += PutsAtOnce)
        {
            var puts = Enumerable.Range(0, (int)Math.Min(PutsAtOnce, through - from + 1)).Select(i => EtcdOperation.Put(keys.Entry(from + i), EtcdKeys.Value(1, [(byte)(from + i)])));
            revision = (await _client.TxnAsync(new EtcdTxn([], [.. puts], []), CancellationToken.None)).Header!.Revision;
        }

        return revision;
    }

    /// <summary>Removes entries as a truncation does, or, where the key is not told, as in a full etcd.</summary>
    private async Task<long> RemoveAsync(EtcdKeys keys, long through, bool isTold)
    {
        var delete = EtcdOperation.Delete(keys.Entry(0), keys.Entry(through + 1));
        var put = EtcdOperation.Put(keys.First, Encoding.ASCII.GetBytes((through + 1).ToString(CultureInfo.InvariantCulture)));
        return (await _client.TxnAsync(new EtcdTxn([], isTold ? [put, delete] : [delete], []), CancellationToken.None)).Header!.Revision;
    }

    /// <summary>A range of a few entries; or one that begins behind the last one, to see that there is nothing.</summary>
    private void AssertShort(JsonNode range, long last)
    {
        var text = range.ToJsonString();
        Assert.True(range["sort_order"] is null, text);
        if (range["range_end"] is { } end)
        {
            Assert.True(IndexOf(end) is { } behind ? behind - IndexOf(range["key"]) <= EtcdBounds.CountedAtOnce : IndexOf(range["key"]) > last, text);
        }
    }

    /// <summary>Null: it is no entry's.</summary>
    private long? IndexOf(JsonNode? key)
    {
        var bytes = Convert.FromBase64String((string?)key ?? "");
        return bytes.Length == _keys.Entry(0).Length ? _keys.IndexOf(bytes) : null;
    }
}
