using DChat.Core.Blobs;
using DChat.Storage.S3;
using DChat.Storage.Tests.Blobs;
using DChat.TestKit;

namespace DChat.Storage.Tests.S3;

[Collection(SwiftTests.Name)]
public sealed class S3BlobStoreTests(SwiftFixture fixture) : BlobStoreSpec, IAsyncLifetime
{
    private const int Part = 5 * 1024 * 1024;

    private string _bucket = "";

    private SwiftServer Server => fixture.Server;

    public async Task InitializeAsync() => _bucket = await fixture.CreateBucketAsync();

    public Task DisposeAsync() => Task.CompletedTask;

    protected override Task<IBlobStore> OpenAsync() => Task.FromResult<IBlobStore>(Open());

    private S3BlobStore Open(string more = "&part-size=5&parts-at-once=2") => SwiftFixture.Open(SwiftFixture.Options(Server.Url(_bucket, more)));

    [Theory]
    [InlineData(Part - 1, 0)]
    [InlineData(Part, 1)]
    [InlineData(Part + 1, 2)]
    [InlineData((4 * Part) - 1, 4)]
    public async Task What_is_not_smaller_than_a_part_is_sent_in_parts(int length, int parts)
    {
        await using var blobs = Open();
        var content = Noise(length, length);

        await PutAsync(blobs, "a", content);
        await blobs.PutAsync("b", new UnknownLength(content), InTime);

        Assert.Equal(content, await ReadAsync(blobs, "a"));
        Assert.Equal(content, await ReadAsync(blobs, "b"));
        await Eventually.Holds(() => Server.Requests.Count(request => request.StartsWith($"PUT /{_bucket}/", StringComparison.Ordinal) && request.Contains("partNumber=", StringComparison.Ordinal)) == 2 * parts);
        Assert.Equal(["a", "b"], (await ListAsync(blobs, "")).Select(blob => blob.Name));
    }

    [Fact]
    public async Task Content_that_fails_after_parts_were_sent_leaves_neither_blob_nor_parts()
    {
        await using var blobs = Open();
        await Assert.ThrowsAsync<InvalidDataException>(() => blobs.PutAsync("a", new FailingStream(3 * Part), InTime));

        using var cancelled = new CancellationTokenSource();
        var cancelling = new UnknownLength(Noise(1, 3 * Part)) { At = (2 * Part, () => cancelled.Cancel()) };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => blobs.PutAsync("b", cancelling, cancelled.Token));

        Assert.Empty(await ListAsync(blobs, ""));
        await Eventually.Holds(async () => await SwiftFixture.UnfinishedAsync(Server, _bucket) == 0); // Whoever cancels does not wait for it.
    }

    [Fact]
    public async Task Prefixes_keep_stores_apart_and_what_is_no_blob_is_not_listed()
    {
        await using var blobs = Open();
        await using var other = SwiftFixture.Open(SwiftFixture.Options(Server.Url(_bucket, prefix: "dchat2")));
        await using var whole = SwiftFixture.Open(SwiftFixture.Options(Server.Url(_bucket, prefix: "")));
        using var client = Server.CreateClient();
        await client.PutObjectAsync(new Amazon.S3.Model.PutObjectRequest { BucketName = _bucket, Key = "dchat/a name/of~others", ContentBody = "x", UseChunkEncoding = false });
        await PutAsync(blobs, "a", [1]);
        await PutAsync(other, "a", [2, 2]);

        Assert.Equal(1, Assert.Single(await ListAsync(blobs, "")).Size);
        Assert.Equal(2, Assert.Single(await ListAsync(other, "")).Size);
        Assert.Equal(["dchat/a", "dchat2/a"], (await ListAsync(whole, "")).Select(blob => blob.Name));
    }

    [Fact]
    public async Task A_presigned_address_serves_whoever_has_it_with_the_headers_it_was_made_with()
    {
        await using var blobs = Open();
        var content = Noise(7, 100_000);
        await PutAsync(blobs, "files/r/1/content", content);
        const string disposition = "attachment; filename=\"a b.txt\"; filename*=UTF-8''%C3%A4%20b.txt";

        var address = await blobs.PresignAsync("files/r/1/content", TimeSpan.FromSeconds(60), disposition, "text/plain", InTime);

        using var http = new HttpClient();
        using var answer = await http.GetAsync(address, InTime);
        Assert.True(answer.IsSuccessStatusCode);
        Assert.Equal(content, await answer.Content.ReadAsByteArrayAsync(InTime));
        Assert.Equal("text/plain", answer.Content.Headers.ContentType!.ToString());
        Assert.Equal(disposition, Assert.Single(answer.Content.Headers.GetValues("Content-Disposition")));
        Assert.True(answer.Headers.CacheControl is { NoStore: true, Private: true });
        Assert.DoesNotContain(SwiftServer.Secret, Uri.UnescapeDataString(address!.ToString()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_presigned_address_is_refused_when_anything_in_it_is_changed_and_when_its_time_is_over()
    {
        await using var blobs = Open();
        await PutAsync(blobs, "a", [1]);
        await PutAsync(blobs, "b", [2]);
        var address = (await blobs.PresignAsync("a", TimeSpan.FromSeconds(60), "attachment", "text/plain", InTime))!.AbsoluteUri;
        var brief = await blobs.PresignAsync("a", TimeSpan.FromSeconds(1), "attachment", "text/plain", InTime);
        using var http = new HttpClient();

        foreach (var changed in new[]
        {
            address.Replace("/a?", "/b?", StringComparison.Ordinal),
            address.Replace("attachment", "inline", StringComparison.Ordinal),
            address.Replace("text%2Fplain", "text%2Fhtml", StringComparison.Ordinal),
            address.Replace("X-Amz-Expires=60", "X-Amz-Expires=6000", StringComparison.Ordinal),
            address.Split('?')[0],
        })
        {
            Assert.NotEqual(address, changed);
            using var answer = await http.GetAsync(changed, InTime);
            Assert.True(answer.StatusCode is System.Net.HttpStatusCode.Forbidden or System.Net.HttpStatusCode.BadRequest, $"{changed} was answered {answer.StatusCode}");
        }

        using var written = await http.PutAsync(address, new StringContent("other"), InTime);
        Assert.Equal(System.Net.HttpStatusCode.Forbidden, written.StatusCode);
        await Eventually.Holds(async () =>
        {
            using var answer = await http.GetAsync(brief, InTime);
            return answer.StatusCode == System.Net.HttpStatusCode.Forbidden;
        });
        Assert.Equal([1], await ReadAsync(blobs, "a"));
    }

    [Fact]
    public async Task Presigning_can_be_turned_off()
    {
        await using var blobs = Open("&downloads=server");
        Assert.Null(await blobs.PresignAsync("a", TimeSpan.FromSeconds(60), "attachment", "text/plain", InTime));
    }

    [Fact]
    public async Task Encryption_is_asked_for_of_whole_blobs_and_of_those_in_parts()
    {
        await using var known = Open("&part-size=5&encryption=AES256");
        await PutAsync(known, "a", [1]);
        await PutAsync(known, "b", Noise(1, Part + 1));
        Assert.Equal([1], await ReadAsync(known, "a"));

        // This server has no KMS, and says so of each request that asks for it.
        await using var unknown = Open("&part-size=5&encryption=aws:kms&kms-key=alias/chat");
        foreach (var length in new[] { 1, Part + 1 })
        {
            var error = await Assert.ThrowsAsync<BlobStoreUnavailableException>(() => PutAsync(unknown, "c", new byte[length]));
            Assert.Contains("does not encrypt that way", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task An_upload_whose_completion_was_not_answered_is_found_by_its_mark_and_by_no_other()
    {
        var options = SwiftFixture.Options(Server.Url(_bucket, "&part-size=5"));
        using var clients = S3Clients.Make(options);
        using var senders = new SemaphoreSlim(2);
        using var upload = new S3Upload(clients, options, senders, "dchat/a", "my mark");
        var begin = new Amazon.S3.Model.InitiateMultipartUploadRequest { BucketName = _bucket, Key = "dchat/a" };
        begin.Metadata[S3Upload.Mark] = "my mark";
        await upload.BeginAsync(begin, InTime);
        using var first = await PartBuffer.FillAsync(new MemoryStream(Noise(1, 1000)), Part, InTime);
        await upload.SendAsync(first, Stream.Null, InTime);
        await upload.CompleteAsync(InTime);

        // As if the answer had been lost: the upload is not there any more, its object is.
        await upload.CompleteAsync(InTime);

        await using var blobs = Open();
        await PutAsync(blobs, "a", [1]);
        await Assert.ThrowsAsync<BlobStoreUnavailableException>(() => upload.CompleteAsync(InTime));
    }

    /// <summary>Content as it comes over the network: nobody knows how much of it there is.</summary>
    internal sealed class UnknownLength(byte[] content) : MemoryStream(content)
    {
        /// <summary>Something that happens before the byte at this position is read.</summary>
        public (long Position, Action Happens)? At { get; init; }

        public override bool CanSeek => false;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (At is { } at && Position >= at.Position)
            {
                at.Happens();
            }

            return base.ReadAsync(buffer, cancellationToken);
        }
    }
}
