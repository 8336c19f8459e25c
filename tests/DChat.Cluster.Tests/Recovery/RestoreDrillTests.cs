using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using DChat.Core.Blobs;
using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Snapshots;
using DChat.Storage.S3;
using DChat.Storage.Sqlite.ControlLog;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Cluster.Tests.Recovery;

/// <summary>A cluster is destroyed, and begun anew from its snapshots in S3 and a dump of PostgreSQL; then its backup becomes a server on one machine.</summary>
public sealed class RestoreDrillTests
{
    private const string Bucket = "chat-blobs";
    private const string Password = "a long and good password";

    [Fact]
    public async Task A_destroyed_cluster_is_begun_anew_with_the_same_registry_and_the_same_messages()
    {
        await using var swift = await SwiftServer.StartAsync();
        await swift.CreateBucketAsync(Bucket);
        await using var postgres = await PostgresServer.StartAsync();
        var before = await postgres.CreateDatabaseAsync();
        using var folder = new TemporaryFolder();
        var secret = folder["secret"];
        Dictionary<string, string> said;
        string room, file, dump, hash, token;
        await using (var cluster = await StartAsync(swift, postgres.Url(before), folder["before"], null))
        {
            File.Copy(Path.Combine(folder["before"], "coordinator", "cluster-secret"), secret);
            (room, file, token) = await LiveAsync(cluster);
            said = await SaidAsync(cluster.Workers[0]);
            await SnapshotOfAllAsync(cluster, swift, secret);
            await cluster.KillAsync();
            hash = await HashByLogAsync(Path.Combine(folder["before"], "coordinator", "control.db"), swift, secret);
            dump = await postgres.DumpAsync(before);
        }

        Directory.Delete(folder["before"], recursive: true);
        await postgres.DropDatabaseAsync(before);

        var after = await postgres.CreateDatabaseAsync();
        await postgres.PutBackAsync(after, dump);
        string[] restore =
        [
            "restore", "--from", swift.Url(Bucket), "--blobs", swift.Url(Bucket), "--store", postgres.Url(after),
            "--data", Path.Combine(folder["after"], "coordinator"), "--cluster-secret-file", secret, "--yes",
        ];
        var (code, output, error) = await ServerProcess.RunAsync(restore, SwiftServer.Environment);
        Assert.True(code == 0, output + error);
        Assert.Contains($"hash {hash}", output, StringComparison.Ordinal);

        await using var again = await StartAsync(swift, postgres.Url(after), folder["after"], secret);
        Assert.Equal(said, await SaidAsync(again.Workers[1]));
        await GoesOnAsync(again, room, file, token);

        // And on to one machine.
        var whole = await SaidAsync(again.Workers[0]);
        (code, output, error) = await ServerProcess.RunAsync(
            ["backup", "--to", $"file:{folder["backups"]}", "--blobs", swift.Url(Bucket), "--store", postgres.Url(after), "--data", Path.Combine(folder["after"], "coordinator"), "--cluster-secret-file", secret],
            SwiftServer.Environment);
        Assert.True(code == 0, output + error);
        (code, output, error) = await ServerProcess.RunAsync(["restore", "--from", $"file:{folder["backups"]}", "--data", folder["laptop"], "--cluster-secret-file", secret, "--yes"]);
        Assert.True(code == 0, output + error);
        await using var laptop = await ServerProcess.StartAsync(["--cluster-secret-file", secret], folder["laptop"]);
        Assert.Equal(whole, await SaidAsync(laptop));
    }

    private static async Task<DrilledCluster> StartAsync(SwiftServer swift, string store, string folder, string? secret)
    {
        var environment = new Dictionary<string, string>(SwiftServer.Environment) { ["DCHAT_ADMIN_PASSWORD"] = ClusterUnderTest.AdminPassword };
        var coordinator = await ServerProcess.StartAsync(
            ["--mode", "coordinator", "--blobs", swift.Url(Bucket), "--snapshot-entries", "1", .. secret is null ? [] : (string[])["--cluster-secret-file", secret], .. ServerProcess.WithoutRateLimits],
            Path.Combine(folder, "coordinator"),
            environment,
            nodePort: FreePort.Next());
        var cluster = new DrilledCluster(coordinator);
        for (var i = 0; i < 2; i++)
        {
            cluster.Workers.Add(await ServerProcess.StartAsync(
                [
                    "--mode", "worker", "--coordinators", coordinator.Node.Authority, "--blobs", swift.Url(Bucket), "--store", store,
                    "--cluster-secret-file", secret ?? Path.Combine(coordinator.Data, "cluster-secret"), .. ServerProcess.WithoutRateLimits,
                ],
                Path.Combine(folder, $"worker{i}"),
                environment,
                nodePort: FreePort.Next()));
        }

        return cluster;
    }

    /// <summary>Accounts, rooms, and messages with all that can be done to them. Answers a room, a file in it, and a token of one of its members.</summary>
    private static async Task<(string Room, string File, string Token)> LiveAsync(DrilledCluster cluster)
    {
        using var http = cluster.Workers[0].CreateHttpClient();
        var crowd = await Crowd.MakeAsync(http, ClusterUnderTest.AdminPassword, users: 20, rooms: 5);
        await RegisterAsync(http, "ann");
        for (var worker = 0; worker < 2; worker++)
        {
            await using var probe = await HubProbe.ConnectAsync(cluster.Workers[worker].Client, crowd.Token(worker));
            foreach (var room in crowd.Rooms.Select(each => each.Room))
            {
                for (var i = 0; i < 30; i++)
                {
                    var sent = (await probe.CallAsync("send", new { room, clientId = $"{worker}-{i}", body = $"message {i} of @user-1" }))!;
                    var (seq, id) = ((long)sent["seq"]!, $"{worker}-{i}-more");
                    var kind = i % 5;
                    await (kind switch
                    {
                        0 => probe.CallAsync("edit", new { room, clientId = id, seq, body = "edited" }),
                        1 => probe.CallAsync("react", new { room, clientId = id, seq, emoji = "👍", on = true }),
                        2 => probe.CallAsync("delete", new { room, clientId = id, seq }),
                        _ => Task.FromResult<JsonNode?>(null),
                    });
                }
            }
        }

        using var signedIn = SignedIn(cluster.Workers[0], crowd.Token(0));
        using var content = new ByteArrayContent("what is in the file"u8.ToArray());
        using var form = new MultipartFormDataContent { { content, "file", "f.txt" } };
        using var uploaded = await signedIn.PostAsync($"api/rooms/{crowd.Room}/files", form);
        Assert.True(uploaded.IsSuccessStatusCode, await uploaded.Content.ReadAsStringAsync());
        var file = (string)(await uploaded.Content.ReadFromJsonAsync<JsonNode>())!["id"]!;
        using var posted = await signedIn.PostAsJsonAsync($"api/rooms/{crowd.Room}/messages", new { body = "with a file", files = new[] { file }, clientId = "file" });
        Assert.True(posted.IsSuccessStatusCode, await posted.Content.ReadAsStringAsync());
        return (crowd.Room, file, crowd.Token(0));
    }

    /// <summary>Accounts sign in, sessions from before have ended, files and repeats are as they were.</summary>
    private static async Task GoesOnAsync(DrilledCluster cluster, string room, string file, string token)
    {
        using (var before = SignedIn(cluster.Workers[0], token))
        using (var refused = await before.GetAsync($"api/rooms/{room}/messages"))
        {
            Assert.Equal(System.Net.HttpStatusCode.Unauthorized, refused.StatusCode);
        }

        using var http = cluster.Workers[1].CreateHttpClient();
        using var login = await http.PostAsJsonAsync("api/login", new { user = "ann", password = Password });
        Assert.True(login.IsSuccessStatusCode, await login.Content.ReadAsStringAsync());
        using var ann = SignedIn(cluster.Workers[1], (string)(await login.Content.ReadFromJsonAsync<JsonNode>())!["accessToken"]!);
        await using var probe = await HubProbe.ConnectAsync(cluster.Workers[1].Client, ann.DefaultRequestHeaders.Authorization!.Parameter);
        await probe.CallAsync("joinRoom", new { room });
        var seen = (await probe.CallAsync("subscribe", new { room, afterRev = 10 }))!;
        Assert.True((bool)seen["reset"]! && (long)seen["rev"]! > 1L << 32);
        var sent = (await probe.CallAsync("send", new { room, clientId = "after", body = "after the restore" }))!;
        Assert.True((long)sent["rev"]! > (long)seen["rev"]!);
        Assert.Equal("what is in the file", await ann.GetStringAsync($"api/files/{file}"));
    }

    /// <summary>Everything that was said, by room, as an administrator exports it.</summary>
    private static async Task<Dictionary<string, string>> SaidAsync(ServerProcess worker)
    {
        using var http = worker.CreateHttpClient();
        using var login = await http.PostAsJsonAsync("api/login", new { user = "admin", password = ClusterUnderTest.AdminPassword });
        Assert.True(login.IsSuccessStatusCode, await login.Content.ReadAsStringAsync());
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (string)(await login.Content.ReadFromJsonAsync<JsonNode>())!["accessToken"]!);
        var rooms = (await http.GetFromJsonAsync<JsonNode>("api/admin/rooms?limit=100"))!["rooms"]!.AsArray().Select(room => (string)room!["id"]!).ToList();
        Assert.Equal(5, rooms.Count);
        var said = new Dictionary<string, string>();
        foreach (var room in rooms)
        {
            said[room] = await http.GetStringAsync($"api/admin/rooms/{room}/export");
            Assert.Contains("\"kind\":\"export\"", said[room], StringComparison.Ordinal);
        }

        return said;
    }

    private static async Task SnapshotOfAllAsync(DrilledCluster cluster, SwiftServer swift, string secretFile)
    {
        await using var blobs = Open(swift);
        var snapshots = new SnapshotStore(blobs, ClusterSecret.LoadOrCreate(secretFile, mayCreate: false), Path.GetTempPath());
        await using var log = SqliteControlLogReader.Open(Path.Combine(cluster.Coordinator.Data, "control.db"), TimeProvider.System);
        await Eventually.Holds(async () => (await snapshots.ListAsync(default))[0].Name.Index == (await log.ReadBoundsAsync(default)).Last);
    }

    /// <summary>The hash of the registry at the newest snapshot's entry, as the one before and the log make it: that snapshot has no part in it.</summary>
    private static async Task<string> HashByLogAsync(string path, SwiftServer swift, string secretFile)
    {
        await using var blobs = Open(swift);
        var snapshots = new SnapshotStore(blobs, ClusterSecret.LoadOrCreate(secretFile, mayCreate: false), Path.GetTempPath());
        var found = await snapshots.ListAsync(default);
        await using var log = SqliteControlLogReader.Open(path, TimeProvider.System);
        var replica = new RegistryReplica(TimeProvider.System);
        replica.Replace(await snapshots.ReadAsync(found[1].Name, default));
        await foreach (var entry in log.FollowAsync(replica.Index + 1, default))
        {
            replica.Apply(entry.Index, RegistryEntryCodec.Decode(entry.Payload.Span));
            if (entry.Index == found[0].Name.Index)
            {
                break;
            }
        }

        return Convert.ToHexStringLower(RegistrySnapshot.StateHash(replica.State));
    }

    private static S3BlobStore Open(SwiftServer swift)
    {
        foreach (var (name, value) in SwiftServer.Environment)
        {
            Environment.SetEnvironmentVariable(name, value); // By which the SDK finds its credentials.
        }

        return S3BlobStore.Open(new S3BlobStoreOptions { Url = S3Url.Parse(swift.Url(Bucket)) }, NullLogger<S3BlobStore>.Instance);
    }

    private static HttpClient SignedIn(ServerProcess worker, string token)
    {
        var http = worker.CreateHttpClient();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return http;
    }

    private static async Task RegisterAsync(HttpClient http, string user)
    {
        using var answer = await http.PostAsJsonAsync("api/register", new { user, password = Password });
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    private sealed record DrilledCluster(ServerProcess Coordinator) : IAsyncDisposable
    {
        public List<ServerProcess> Workers { get; } = [];

        /// <summary>All at once, as a fire does.</summary>
        public Task KillAsync() => Task.WhenAll(Workers.Append(Coordinator).Select(process => process.KillAsync()));

        public async ValueTask DisposeAsync()
        {
            foreach (var process in Workers.Append(Coordinator))
            {
                await process.DisposeAsync();
            }
        }
    }
}
