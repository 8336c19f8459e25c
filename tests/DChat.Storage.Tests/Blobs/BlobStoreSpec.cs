using DChat.Core.Blobs;
using DChat.TestKit;

namespace DChat.Storage.Tests.Blobs;

/// <summary>What every engine of <see cref="IBlobStore"/> promises. An engine's tests inherit it.</summary>
public abstract class BlobStoreSpec : IDisposable
{
    private readonly CancellationTokenSource _limit = new(Eventually.DefaultLimit);

    protected CancellationToken InTime => _limit.Token;

    public virtual void Dispose()
    {
        _limit.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Opens the store under test; called again, it opens the same store.</summary>
    protected abstract Task<IBlobStore> OpenAsync();

    protected async Task PutAsync(IBlobStore blobs, string name, byte[] content) =>
        await blobs.PutAsync(name, new MemoryStream(content), InTime);

    protected async Task<byte[]?> ReadAsync(IBlobStore blobs, string name)
    {
        await using var content = await blobs.OpenAsync(name, InTime);
        if (content is null)
        {
            return null;
        }

        var copy = new MemoryStream();
        await content.Stream.CopyToAsync(copy, InTime);
        Assert.Equal(content.Size, copy.Length);
        return copy.ToArray();
    }

    protected async Task<List<BlobInfo>> ListAsync(IBlobStore blobs, string prefix)
    {
        var found = new List<BlobInfo>();
        await foreach (var info in blobs.ListAsync(prefix, InTime))
        {
            found.Add(info);
        }

        return found;
    }

    protected static byte[] Noise(int seed, int length)
    {
        var content = new byte[length];
        new Random(seed).NextBytes(content);
        return content;
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5_000_000)]
    public async Task What_was_put_is_read_and_survives_reopening(int length)
    {
        var content = Noise(length, length);
        await using (var blobs = await OpenAsync())
        {
            await PutAsync(blobs, "a/b.bin", content);
            Assert.Equal(content, await ReadAsync(blobs, "a/b.bin"));
        }

        await using var reopened = await OpenAsync();
        Assert.Equal(content, await ReadAsync(reopened, "a/b.bin"));
        Assert.Equal(length, Assert.Single(await ListAsync(reopened, "")).Size);
    }

    [Fact]
    public async Task There_is_nothing_where_nothing_was_put()
    {
        await using var blobs = await OpenAsync();
        await PutAsync(blobs, "a/b", [1]);

        Assert.Null(await ReadAsync(blobs, "a/c"));
        Assert.Null(await ReadAsync(blobs, "x/y/z"));
        Assert.Null(await ReadAsync(blobs, "a"));
        Assert.Empty(await ListAsync(blobs, "x/"));
    }

    [Fact]
    public async Task Putting_again_replaces()
    {
        await using var blobs = await OpenAsync();
        await PutAsync(blobs, "a", Noise(1, 1000));

        await PutAsync(blobs, "a", [1, 2]);

        Assert.Equal([1, 2], await ReadAsync(blobs, "a"));
    }

    [Fact]
    public async Task Deleting_removes_and_is_repeatable()
    {
        await using var blobs = await OpenAsync();
        await PutAsync(blobs, "a/1", [1]);
        await PutAsync(blobs, "a/2", [2]);

        await blobs.DeleteAsync("a/1", InTime);
        await blobs.DeleteAsync("a/1", InTime);

        Assert.Null(await ReadAsync(blobs, "a/1"));
        Assert.Equal(["a/2"], (await ListAsync(blobs, "a/")).Select(info => info.Name));
    }

    [Fact]
    public async Task Lists_are_by_prefix_and_in_ordinal_order()
    {
        await using var blobs = await OpenAsync();
        foreach (var name in (string[])["s/10", "s/9", "s/1.x", "s/1-x", "s/1/2", "t/1", "s2", "S/1", "s/B", "s/a"])
        {
            await PutAsync(blobs, name, [1]);
        }

        Assert.Equal(["s/1-x", "s/1.x", "s/1/2", "s/10", "s/9", "s/B", "s/a"], (await ListAsync(blobs, "s/")).Select(info => info.Name));
        Assert.Equal(["s/1-x", "s/1.x", "s/1/2", "s/10"], (await ListAsync(blobs, "s/1")).Select(info => info.Name));
        Assert.Equal(10, (await ListAsync(blobs, "")).Count);
        Assert.All(await ListAsync(blobs, ""), info => Assert.True(info.ModifiedAt > 0 && info.Size == 1));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/a")]
    [InlineData("a/")]
    [InlineData("a//b")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a/../b")]
    [InlineData("../a")]
    [InlineData("a/./b")]
    [InlineData("a\\b")]
    [InlineData("a b")]
    [InlineData("a~")]
    [InlineData("a\0b")]
    [InlineData("ä")]
    [InlineData("a%2e")]
    public async Task A_name_that_is_none_is_refused(string name)
    {
        await using var blobs = await OpenAsync();

        await Assert.ThrowsAsync<ArgumentException>(() => PutAsync(blobs, name, [1]));
        await Assert.ThrowsAsync<ArgumentException>(() => blobs.OpenAsync(name, InTime));
        await Assert.ThrowsAsync<ArgumentException>(() => blobs.DeleteAsync(name, InTime));
    }

    [Fact]
    public async Task Names_of_the_greatest_length_work_and_longer_ones_are_refused()
    {
        await using var blobs = await OpenAsync();
        var segment = new string('s', BlobName.SegmentLengthMax);
        var longest = $"{segment}/{segment}/{new string('x', BlobName.LengthMax - (2 * BlobName.SegmentLengthMax) - 2)}";

        await PutAsync(blobs, longest, [1]);

        Assert.Equal([1], await ReadAsync(blobs, longest));
        await Assert.ThrowsAsync<ArgumentException>(() => PutAsync(blobs, longest + "x", [1]));
        await Assert.ThrowsAsync<ArgumentException>(() => PutAsync(blobs, segment + "s", [1]));
    }

    [Fact]
    public async Task Content_that_fails_leaves_nothing_and_its_error_passes()
    {
        await using var blobs = await OpenAsync();
        await PutAsync(blobs, "a", [1]);

        await Assert.ThrowsAsync<InvalidDataException>(() => blobs.PutAsync("a", new FailingStream(300_000), InTime));
        await Assert.ThrowsAsync<InvalidDataException>(() => blobs.PutAsync("b", new FailingStream(300_000), InTime));

        Assert.Equal([1], await ReadAsync(blobs, "a"));
        Assert.Equal(["a"], (await ListAsync(blobs, "")).Select(info => info.Name));
    }

    [Fact]
    public async Task A_reader_keeps_what_it_opened_while_it_is_replaced()
    {
        await using var blobs = await OpenAsync();
        var old = Noise(1, 400_000);
        await PutAsync(blobs, "a", old);
        await using var opened = await blobs.OpenAsync("a", InTime);

        await PutAsync(blobs, "a", Noise(2, 100));

        var copy = new MemoryStream();
        await opened!.Stream.CopyToAsync(copy, InTime);
        Assert.Equal(old, copy.ToArray());
    }

    [Fact]
    public async Task Of_concurrent_puts_one_is_there_whole()
    {
        await using var blobs = await OpenAsync();
        var contents = Enumerable.Range(1, 8).Select(i => Noise(i, 50_000 + i)).ToArray();

        await Task.WhenAll(contents.Select(content => Task.Run(() => PutAsync(blobs, "same/name", content), InTime)));

        var left = await ReadAsync(blobs, "same/name");
        Assert.Contains(contents, content => content.AsSpan().SequenceEqual(left));
        Assert.Single(await ListAsync(blobs, ""));
    }

    /// <summary>Gives some bytes, then an error that is no I/O error of the store.</summary>
    protected sealed class FailingStream(int length) : MemoryStream(new byte[length])
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            Position == Length ? throw new InvalidDataException("cut off") : base.ReadAsync(buffer, cancellationToken);
    }
}
