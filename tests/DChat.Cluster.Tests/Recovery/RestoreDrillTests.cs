using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using DChat.Core.Registry;
using DChat.Storage.Files;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Recovery;

/// <summary>A cluster is destroyed, and begun anew from its snapshots in S3 and a dump of PostgreSQL; then its backup becomes a server on one machine.</summary>
public sealed class RestoreDrillTests
{
    private const string Bucket = "chat-blobs";
    private const string Password = "a long and good password";

    /// <summary>Of three coordinators that share it; in the long form of one, too.</summary>
    public static TheoryData<string> Logs => LongTests.Pick<TheoryData<string>>(["etcd"], ["etcd", "sqlite"]);

    [Theory]
    [MemberData(nameof(Logs))]
    public async Task A_destroyed_cluster_is_begun_anew_with_the_same_registry_and_the_same_messages(string log)
    {
        await using var swift = await SwiftServer.StartAsync();
        await swift.CreateBucketAsync(Bucket);
        await using var postgres = await PostgresServer.StartAsync();
        var before = await postgres.CreateDatabaseAsync();
        using var folder = new TemporaryFolder();
        var secret = folder["secret"];
        PrivateFile.Create(secret, Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))));
        var registry = new DrilledRegistry(swift.Url(Bucket), secret);
        Dictionary<string, string> said;
        string room, file, dump, token;
        RegistryState old;
        await using (var cluster = await DrilledCluster.StartAsync(log, swift.Url(Bucket), postgres.Url(before), secret, "--snapshot-entries", "1"))
        {
            (room, file, token) = await LiveAsync(cluster);
            said = await SaidAsync(cluster.Workers[0]);
            old = await registry.SnapshotOfAllAsync(cluster);
            Assert.Equal(DrilledRegistry.MarkOf(old), await registry.AgreedAsync(cluster));
            await cluster.KillAsync();
            dump = await postgres.DumpAsync(before);
        } // And what each had on its disk is gone, an etcd's data too.

        await postgres.DropDatabaseAsync(before);

        var after = await postgres.CreateDatabaseAsync();
        await postgres.PutBackAsync(after, dump);
        await using var again = await DrilledCluster.PrepareAsync(log, swift.Url(Bucket), postgres.Url(after), secret);
        var (code, output, error) = await ServerProcess.RunAsync(["restore", "--from", swift.Url(Bucket), .. again.Engines, "--yes"], SwiftServer.Environment);
        Assert.True(code == 0, output + error);
        Assert.Contains($"hash {DrilledRegistry.MarkOf(old).Hash}", output, StringComparison.OrdinalIgnoreCase);

        await again.StartAsync();
        Assert.Equal(said, await SaidAsync(again.Workers[1]));
        var now = await registry.AgreedAsync(again);
        Assert.Equal(DrilledRegistry.MarkOf(await registry.GoOnAsync(again, await registry.RestoredAsync(old), now.Index)), now);
        await GoesOnAsync(again, room, file, token);

        // And on to one machine.
        var whole = await SaidAsync(again.Workers[0]);
        (code, output, error) = await ServerProcess.RunAsync(["backup", "--to", $"file:{folder["backups"]}", .. again.Engines], SwiftServer.Environment);
        Assert.True(code == 0, output + error);
        (code, output, error) = await ServerProcess.RunAsync(["restore", "--from", $"file:{folder["backups"]}", "--data", folder["laptop"], "--cluster-secret-file", secret, "--yes"]);
        Assert.True(code == 0, output + error);
        await using var laptop = await ServerProcess.StartAsync(["--cluster-secret-file", secret], folder["laptop"]);
        Assert.Equal(whole, await SaidAsync(laptop));
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
}
