using System.Net;
using System.Net.Http.Json;
using DChat.Client;
using DChat.Protocol;
using DChat.TestKit;

namespace DChat.Cluster.Tests.S3;

/// <summary>What goes on, and what is said, while the S3 server is away.</summary>
public sealed class S3OutageTests : IAsyncLifetime
{
    private SwiftServer _swift = null!;

    public async Task InitializeAsync() => _swift = await ServerOnS3.StartSwiftAsync();

    public async Task DisposeAsync() => await _swift.DisposeAsync();

    [Fact]
    public async Task While_S3_is_away_chat_goes_on_and_files_are_unavailable_until_it_is_back()
    {
        await using var server = await ServerOnS3.StartAsync(_swift, "&part-size=5", "--snapshot-entries", "1");
        await using var alice = await ServerOnS3.RegisterAsync(server, "alice");
        var room = await alice.CreateRoomAsync("garden").Within();
        var file = await alice.Files.UploadAsync(room.Id, "a.bin", new MemoryStream([1, 2, 3])).Within();

        await _swift.KillAsync();

        Assert.Equal(ErrorCodes.Unavailable, (await Assert.ThrowsAsync<ChatException>(() => alice.Files.UploadAsync(room.Id, "b.bin", new MemoryStream([4])).Within())).Code);
        Assert.Equal(ErrorCodes.Unavailable, (await Assert.ThrowsAsync<ChatException>(() => alice.Files.OpenAsync(file.Id).Within())).Code);
        await alice.SendAsync(room.Id, "chat goes on").Within();
        Assert.True(await Metrics.ReadAsync(server, "dchat_blobs_away_seconds") > 0);
        Assert.True(await Metrics.ReadAsync(server, """dchat_blobs_failures_total{operation="put"}""") > 0);
        using var http = server.CreateHttpClient();
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/health/ready")).StatusCode);
        await alice.CreateRoomAsync("the registry changes").Within();
        await Eventually.Holds(async () => await Metrics.ReadAsync(server, "dchat_snapshot_failures_total") > 0);
        await server.SaysAsync("The blob store fails");
        Assert.Single(server.Log.Lines, line => line.Contains("The blob store fails", StringComparison.Ordinal) && line.Contains("nobody listens at", StringComparison.Ordinal));

        await _swift.StartAgainAsync();
        using var copy = new MemoryStream();
        using var received = await alice.Files.DownloadAsync(file.Id, copy).Within();
        Assert.Equal([1, 2, 3], copy.ToArray());
        Assert.Equal(0, await Metrics.ReadAsync(server, "dchat_blobs_away_seconds"));
        await server.SaysAsync("The blob store is back after");
        Assert.Single(server.Log.Lines, line => line.Contains("The blob store is back after", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_download_that_the_server_passes_on_breaks_off_when_S3_goes_away_and_is_not_taken_for_whole()
    {
        await using var server = await ServerOnS3.StartAsync(_swift, "&downloads=server", "--limits-file-bytes", "67108864");
        await using var alice = await ServerOnS3.RegisterAsync(server, "alice");
        var room = await alice.CreateRoomAsync("garden").Within();
        // More than all buffers between S3 and the client hold.
        var file = await alice.Files.UploadAsync(room.Id, "a.bin", new MemoryStream(ServerOnS3.Noise(64 * 1024 * 1024))).Within();
        using var download = await alice.Files.OpenAsync(file.Id).Within();
        await download.Content.ReadExactlyAsync(new byte[1]);

        await _swift.KillAsync();

        Assert.Equal(ClientErrorCodes.Unreachable, (await Assert.ThrowsAsync<ChatException>(() => download.Content.CopyToAsync(Stream.Null).Within())).Code);
        await Eventually.Holds(() => server.Log.Lines.Any(line => line.Contains("was broken off", StringComparison.Ordinal) && line.Contains("nobody listens at", StringComparison.Ordinal)));
        Assert.DoesNotContain(server.Log.Lines, line => line.Contains("nhandled exception", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_restart_while_S3_is_away_warns_and_serves()
    {
        var server = await ServerOnS3.StartAsync(_swift, "");
        await using (server)
        {
            await using (var alice = await ServerOnS3.RegisterAsync(server, "alice"))
            {
                await alice.CreateRoomAsync("garden").Within();
            }

            Assert.Equal(0, await server.TerminateAsync());
            await _swift.KillAsync();
            await server.RestartAsync();

            using var http = server.CreateHttpClient();
            using var login = await http.PostAsJsonAsync("/api/login", new { user = "alice", password = ServerOnS3.Password });
            Assert.Equal(HttpStatusCode.OK, login.StatusCode);
            await server.SaysAsync("dchat-server: warning: --blobs s3://", "nobody listens at");
        }
    }
}
