using DChat.Core.Blobs;
using DChat.Storage.S3;
using DChat.TestKit;

namespace DChat.Storage.Tests.S3;

/// <summary>What happens when the server goes away, stops answering, or does not let us in.</summary>
public sealed class S3FaultTests : IAsyncLifetime, IDisposable
{
    private const int Part = 5 * 1024 * 1024;
    private const string Bucket = "bucket";

    private readonly CancellationTokenSource _limit = new(Eventually.DefaultLimit);
    private SwiftServer _server = null!;

    private CancellationToken InTime => _limit.Token;

    private string Url => _server.Url(Bucket, "&part-size=5&parts-at-once=2");

    public async Task InitializeAsync()
    {
        _server = await SwiftServer.StartAsync();
        await _server.CreateBucketAsync(Bucket);
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose() => _limit.Dispose();

    [Fact]
    public async Task A_server_killed_in_the_middle_of_an_upload_shows_nothing_of_it_and_takes_it_when_it_is_back()
    {
        await using var blobs = SwiftFixture.Open(SwiftFixture.Options(Url) with { Retries = 1 });
        await blobs.PutAsync("a", new MemoryStream([1]), InTime);
        var content = Noise(4 * Part);
        var killing = new Content(content, at: 3 * Part, _server.KillAsync);

        var error = await Assert.ThrowsAsync<BlobStoreUnavailableException>(() => blobs.PutAsync("a", killing, InTime));
        Assert.DoesNotContain(SwiftServer.Secret, error.ToString(), StringComparison.Ordinal);

        await _server.StartAgainAsync();
        Assert.Equal([1], await ReadAsync(blobs));
        Assert.Equal(1, await SwiftFixture.UnfinishedAsync(_server, Bucket));
        await blobs.PutAsync("a", new MemoryStream(content), InTime);
        Assert.Equal(content, await ReadAsync(blobs));
    }

    [Fact]
    public async Task A_server_that_is_frozen_is_given_up_in_time_and_no_more_is_read_than_may_be_in_memory()
    {
        await using var patient = SwiftFixture.Open(SwiftFixture.Options(Url));
        await patient.PutAsync("a", new MemoryStream([1]), InTime);
        // The upload has to begin, however slow the machine is; what follows must not succeed.
        var brief = TimeSpan.FromSeconds(1);
        await using var putting = SwiftFixture.Open(SwiftFixture.Options(Url) with { PartTryTime = brief, PartTime = brief });
        await using var blobs = SwiftFixture.Open(SwiftFixture.Impatient(Url));
        var content = new Content(Noise(8 * Part), at: Part, () =>
        {
            _server.Freeze();
            return Task.CompletedTask;
        });

        await Assert.ThrowsAsync<BlobStoreUnavailableException>(() => putting.PutAsync("b", content, InTime));
        Assert.True(content.HasHappened);
        Assert.InRange(content.Position, Part, 3 * Part);
        await Assert.ThrowsAsync<BlobStoreUnavailableException>(() => blobs.OpenAsync("a", InTime));
        await Assert.ThrowsAsync<BlobStoreUnavailableException>(() => blobs.DeleteAsync("a", InTime));
        await Assert.ThrowsAsync<BlobStoreUnavailableException>(async () => await blobs.ListAsync("", InTime).GetAsyncEnumerator(InTime).MoveNextAsync());

        _server.Thaw();
        await Eventually.Holds(async () => await TryReadAsync(patient) is [1]);
    }

    [Fact]
    public async Task Content_that_fails_does_not_wait_for_parts_that_a_frozen_server_does_not_take()
    {
        await using var blobs = SwiftFixture.Open(SwiftFixture.Options(Url) with { Retries = 1 });
        var content = new Content(Noise(3 * Part), at: Part, () =>
        {
            _server.Freeze();
            return Task.FromException(new InvalidDataException("too much"));
        });

        // The parts' own limit is minutes; what is waited for is that of the call that takes them away.
        await Assert.ThrowsAsync<InvalidDataException>(() => blobs.PutAsync("a", content, InTime)).Within();
        Assert.True(content.HasHappened);
        _server.Thaw();
    }

    [Fact]
    public async Task Whoever_gives_an_upload_up_waits_for_nothing_that_a_frozen_server_is_asked()
    {
        await using var blobs = SwiftFixture.Open(SwiftFixture.Options(Url) with { TryTime = TimeSpan.FromMinutes(10), CallTime = Timeout.InfiniteTimeSpan });
        using var given = new CancellationTokenSource();
        var content = new Content(Noise(3 * Part), at: Part, () =>
        {
            _server.Freeze();
            return given.CancelAsync();
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => blobs.PutAsync("a", content, given.Token)).Within();
        Assert.True(content.HasHappened);
        _server.Thaw();
        await Eventually.Holds(async () => await SwiftFixture.UnfinishedAsync(_server, Bucket) == 0); // It is done all the same.
    }

    [Fact]
    public async Task A_reader_goes_on_where_it_stopped_when_the_server_was_killed_and_is_back()
    {
        await using var blobs = SwiftFixture.Open(SwiftFixture.Options(Url));
        var content = Noise(6 * Part);
        await blobs.PutAsync("a", new MemoryStream(content), InTime);
        await using var opened = await blobs.OpenAsync("a", InTime);
        var begin = new byte[100_000];
        await opened!.Stream.ReadExactlyAsync(begin, InTime);

        await _server.KillAsync();
        await _server.StartAgainAsync();

        var rest = new MemoryStream();
        await opened.Stream.CopyToAsync(rest, InTime);
        Assert.Equal(content, (byte[])[.. begin, .. rest.ToArray()]);
        await Eventually.Holds(() => _server.Requests.Any(request => request.EndsWith(" 206", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_reader_that_holds_a_thread_is_let_go_when_whoever_opened_gives_up()
    {
        await using var blobs = SwiftFixture.Open(SwiftFixture.Options(Url) with { StallTime = Timeout.InfiniteTimeSpan });
        await blobs.PutAsync("a", new MemoryStream(Noise(6 * Part)), InTime);
        using var opener = new CancellationTokenSource();
        await using var opened = await blobs.OpenAsync("a", opener.Token);
        _server.Freeze();

        var reading = Task.Factory.StartNew(() => opened!.Stream.CopyTo(Stream.Null), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await opener.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.Within());
    }

    [Fact]
    public async Task A_reader_is_told_when_the_server_stays_away_or_what_it_reads_was_replaced()
    {
        await using var blobs = SwiftFixture.Open(SwiftFixture.Options(Url) with { Retries = 1 });
        await blobs.PutAsync("a", new MemoryStream(Noise(6 * Part)), InTime);
        await using var replaced = await blobs.OpenAsync("a", InTime);
        await replaced!.Stream.ReadExactlyAsync(new byte[1], InTime);
        await _server.KillAsync();
        await _server.StartAgainAsync();
        await blobs.PutAsync("a", new MemoryStream([.. Noise(6 * Part).Reverse()]), InTime);
        var error = await Assert.ThrowsAsync<BlobStoreUnavailableException>(() => replaced.Stream.CopyToAsync(Stream.Null, InTime));
        Assert.Contains("was replaced", error.Message, StringComparison.Ordinal);

        await using var lost = await blobs.OpenAsync("a", InTime);
        await lost!.Stream.ReadExactlyAsync(new byte[1], InTime);
        await _server.KillAsync();
        await Assert.ThrowsAsync<BlobStoreUnavailableException>(() => lost.Stream.CopyToAsync(Stream.Null, InTime));
    }

    [Fact]
    public async Task The_probe_names_what_is_wrong_and_its_remedy()
    {
        Assert.Null(await S3Probe.LookAsync(SwiftFixture.Options(Url)));

        await ExpectAsync(SwiftFixture.Options(_server.Url("no-such-bucket")), "there is no bucket \"no-such-bucket\"", "make it", passes: false);
        await ExpectAsync(SwiftFixture.Options(Url, secret: "another+secret"), "access key and secret do not belong together", "AWS_SECRET_ACCESS_KEY", passes: false);
        await ExpectAsync(SwiftFixture.Options(Url, SwiftServer.StrangersAccessKey), "do not have the rights", "s3:PutObject", passes: false);
        await ExpectAsync(SwiftFixture.Options(Url.Replace(SwiftServer.Region, "another-region", StringComparison.Ordinal)), "in another region", "region=", passes: false);
        await ExpectAsync(SwiftFixture.Options($"{Url}&encryption=aws:kms"), "does not encrypt that way", "leave encryption= out", passes: false);
        using (var client = _server.CreateClient())
        {
            Assert.Empty((await client.ListObjectsV2Async(new() { BucketName = Bucket })).S3Objects ?? []);
        }

        Assert.Equal(0, await SwiftFixture.UnfinishedAsync(_server, Bucket));
        _server.Freeze();
        await ExpectAsync(SwiftFixture.Impatient(Url), "does not answer in time", "endpoint=", passes: true);
        await _server.KillAsync();
        await ExpectAsync(SwiftFixture.Options(Url) with { Retries = 1 }, "nobody listens at", "endpoint=", passes: true);
    }

    private static async Task ExpectAsync(S3BlobStoreOptions options, string problem, string remedy, bool passes)
    {
        var found = Assert.NotNull(await S3Probe.LookAsync(options).Within());
        Assert.Contains(problem, found.Problem, StringComparison.Ordinal);
        Assert.Contains(remedy, found.Remedy, StringComparison.Ordinal);
        Assert.Equal(passes, found.Passes);
        Assert.DoesNotContain("secret\"", found.Problem, StringComparison.Ordinal);

        await using var blobs = SwiftFixture.Open(options);
        var error = await Assert.ThrowsAsync<BlobStoreUnavailableException>(() => blobs.PutAsync("x", new MemoryStream([1]), default));
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("another+secret", error.ToString(), StringComparison.Ordinal);
    }

    private async Task<byte[]?> TryReadAsync(S3BlobStore blobs)
    {
        try
        {
            return await ReadAsync(blobs);
        }
        catch (BlobStoreUnavailableException)
        {
            return null;
        }
    }

    private async Task<byte[]> ReadAsync(S3BlobStore blobs)
    {
        await using var content = await blobs.OpenAsync("a", InTime);
        var copy = new MemoryStream();
        await content!.Stream.CopyToAsync(copy, InTime);
        return copy.ToArray();
    }

    private static byte[] Noise(int length)
    {
        var content = new byte[length];
        new Random(length).NextBytes(content);
        return content;
    }

    /// <summary>Content of unknown length, in the middle of which something happens, once.</summary>
    private sealed class Content(byte[] content, long at, Func<Task> happens) : MemoryStream(content)
    {
        public bool HasHappened { get; private set; }

        public override bool CanSeek => false;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (Position >= at && !HasHappened)
            {
                HasHappened = true;
                await happens();
            }

            return await base.ReadAsync(buffer, cancellationToken);
        }
    }
}
