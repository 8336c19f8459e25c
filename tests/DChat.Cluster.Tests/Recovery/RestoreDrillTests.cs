using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using DChat.Core.Registry;
using DChat.Storage.Files;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Recovery;

/// <summary>
/// A server on one machine becomes a cluster by its backup. That is destroyed, and begun anew from its snapshots in S3 and a dump of PostgreSQL; then its backup becomes a server
/// on one machine again.
/// </summary>
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
        await using (var home = await ServerProcess.StartAsync(["--cluster-secret-file", secret, .. ServerProcess.WithoutRateLimits], folder["home"], DrilledCluster.Environment))
        {
            (room, file) = await LiveAsync(home);
            said = await SaidAsync(home);
            await DoAsync("backup", "--to", $"file:{folder["grown"]}", "--data", folder["home"], "--cluster-secret-file", secret);
        }

        await using (var cluster = await DrilledCluster.PrepareAsync(log, swift.Url(Bucket), postgres.Url(before), secret))
        {
            await DoAsync(["restore", "--from", $"file:{folder["grown"]}", .. cluster.Engines, "--yes"]);
            await cluster.StartAsync("--snapshot-entries", "1");
            Assert.Equal(said, await SaidAsync(cluster.Workers[0]));
            token = await SpeakAsync(cluster, room);
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
        var output = await DoAsync(["restore", "--from", swift.Url(Bucket), .. again.Engines, "--yes"]);
        Assert.Contains($"hash {DrilledRegistry.MarkOf(old).Hash}", output, StringComparison.OrdinalIgnoreCase);

        await again.StartAsync();
        Assert.Equal(said, await SaidAsync(again.Workers[1]));
        var now = await registry.AgreedAsync(again);
        Assert.Equal(DrilledRegistry.MarkOf(await registry.GoOnAsync(again, await registry.RestoredAsync(old), now.Index)), now);
        await GoesOnAsync(again, room, file, token);

        // And on to one machine.
        var whole = await SaidAsync(again.Workers[0]);
        await DoAsync(["backup", "--to", $"file:{folder["backups"]}", .. again.Engines]);
        await DoAsync("restore", "--from", $"file:{folder["backups"]}", "--data", folder["laptop"], "--cluster-secret-file", secret, "--yes");
        await using var laptop = await ServerProcess.StartAsync(["--cluster-secret-file", secret], folder["laptop"]);
        Assert.Equal(whole, await SaidAsync(laptop));
    }

    /// <summary>Runs a verb, which must succeed. Answers what it said.</summary>
    private static async Task<string> DoAsync(params string[] verb)
    {
        var (code, output, error) = await ServerProcess.RunAsync(verb, SwiftServer.Environment);
        Assert.True(code == 0, output + error);
        return output;
    }

    /// <summary>Accounts, rooms, and messages with all that can be done to them. Answers a room, and a file in it.</summary>
    private static async Task<(string Room, string File)> LiveAsync(ServerProcess server)
    {
        using var http = server.CreateHttpClient();
        var crowd = await Crowd.MakeAsync(http, ClusterUnderTest.AdminPassword, users: 20, rooms: 5);
        await RegisterAsync(http, "ann");
        for (var user = 0; user < 2; user++)
        {
            await using var probe = await HubProbe.ConnectAsync(server.Client, crowd.Token(user));
            foreach (var room in crowd.Rooms.Select(each => each.Room))
            {
                for (var i = 0; i < 30; i++)
                {
                    var sent = (await probe.CallAsync("send", new { room, clientId = $"{user}-{i}", body = $"message {i} of @user-1" }))!;
                    var (seq, id) = ((long)sent["seq"]!, $"{user}-{i}-more");
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

        using var signedIn = SignedIn(server, crowd.Token(0));
        using var content = new ByteArrayContent("what is in the file"u8.ToArray());
        using var form = new MultipartFormDataContent { { content, "file", "f.txt" } };
        using var uploaded = await signedIn.PostAsync($"api/rooms/{crowd.Room}/files", form);
        Assert.True(uploaded.IsSuccessStatusCode, await uploaded.Content.ReadAsStringAsync());
        var file = (string)(await uploaded.Content.ReadFromJsonAsync<JsonNode>())!["id"]!;
        using var posted = await signedIn.PostAsJsonAsync($"api/rooms/{crowd.Room}/messages", new { body = "with a file", files = new[] { file }, clientId = "file" });
        Assert.True(posted.IsSuccessStatusCode, await posted.Content.ReadAsStringAsync());
        return (crowd.Room, file);
    }

    /// <summary>The cluster that it became is used: somebody joins, and both workers' clients speak. Answers a token.</summary>
    private static async Task<string> SpeakAsync(DrilledCluster cluster, string room)
    {
        using var http = cluster.Workers[0].CreateHttpClient();
        await RegisterAsync(http, "ben");
        var token = await LoginAsync(http, "ben");
        foreach (var worker in cluster.Workers)
        {
            await using var probe = await HubProbe.ConnectAsync(worker.Client, token);
            await probe.CallAsync("joinRoom", new { room });
            await probe.CallAsync("send", new { room, clientId = worker.Node.Authority, body = "by a cluster now" });
        }

        return token;
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
        var again = await LoginAsync(http, "ann");
        using var ann = SignedIn(cluster.Workers[1], again);
        await using var probe = await HubProbe.ConnectAsync(cluster.Workers[1].Client, again);
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

    private static async Task<string> LoginAsync(HttpClient http, string user)
    {
        using var login = await http.PostAsJsonAsync("api/login", new { user, password = Password });
        Assert.True(login.IsSuccessStatusCode, await login.Content.ReadAsStringAsync());
        return (string)(await login.Content.ReadFromJsonAsync<JsonNode>())!["accessToken"]!;
    }
}
