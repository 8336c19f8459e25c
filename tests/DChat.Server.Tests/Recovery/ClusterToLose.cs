using System.Text.Json.Nodes;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Snapshots;
using DChat.Server.Tests.Contract;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Recovery;

/// <summary>A server with people, a room and a file, of which much is going to be lost; and what must be there again after a restore.</summary>
internal sealed class ClusterToLose : IDisposable
{
    public const string Password = "correct horse battery";
    public const string Secret = "a message that nobody else may read";
    public static readonly byte[] FileContent = Noise();

    private readonly TemporaryFolder _folder = new();

    public string Data => _folder["data"];

    public string this[string name] => _folder[name];

    /// <summary>A copy of its secret, for whoever restores elsewhere.</summary>
    public string SecretFile => Path.Combine(Data, "cluster-secret");

    public string User { get; private set; } = "";

    /// <summary>From before.</summary>
    public string Token { get; private set; } = "";

    public string Room { get; private set; } = "";

    public long Rev { get; private set; }

    public string FileId { get; private set; } = "";

    public string ClientId { get; private init; } = Chat.NewId();

    public JsonNode FirstAnswer { get; private set; } = "";

    public long Index { get; private set; }

    /// <summary>Lives once and stops, or is left to whoever disposes the server.</summary>
    public static async Task<ClusterToLose> MakeAsync()
    {
        var cluster = new ClusterToLose();
        await using var server = await cluster.StartAsync();
        await cluster.LiveAsync(server);
        return cluster;
    }

    /// <summary>The same once more, in a folder of its own.</summary>
    public ClusterToLose Copy()
    {
        var copy = new ClusterToLose { User = User, Token = Token, Room = Room, Rev = Rev, FileId = FileId, ClientId = ClientId, FirstAnswer = FirstAnswer, Index = Index };
        foreach (var file in Directory.GetFiles(Data, "*", SearchOption.AllDirectories))
        {
            var to = Path.Combine(copy.Data, Path.GetRelativePath(Data, file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to);
        }

        return copy;
    }

    /// <param name="data">Where it was restored to.</param>
    public async Task<OwnServer> StartAsync(string? data = null, Func<ServerOptions, ServerOptions>? configure = null)
    {
        if (data is not null)
        {
            // The administrator's account was restored too, and its password is as it was.
            File.Copy(Path.Combine(Data, "initial-admin-password"), Path.Combine(data, "initial-admin-password"), overwrite: true);
        }

        return await OwnServer.StartAsync(options => (configure ?? (same => same))(options with { Data = data ?? Data, SnapshotEntries = 1 }));
    }

    /// <summary>Restores by the verb itself.</summary>
    public static Task<(int ExitCode, string Output, string Error)> RestoreAsync(params string[] flags) => ServerProcess.RunAsync(["restore", .. flags]);

    /// <summary>People, a room, messages of all kinds, a file; and the newest snapshot has all of it.</summary>
    public async Task LiveAsync(OwnServer server)
    {
        var (tokens, _) = await server.RegisterAsync();
        (User, Token) = (tokens.User, tokens.AccessToken);
        await using var ann = await HubProbe.ConnectAsync(server.Address, Token);
        await using var bob = await server.PersonAsync();
        Room = await ann.MakeRoomAsync();
        await bob.Hub.CallAsync("joinRoom", new { room = Room });
        FirstAnswer = await ann.SendAsync(Room, Secret, ClientId);
        for (var i = 0; i < 5; i++)
        {
            await bob.Hub.SendAsync(Room, $"message {i}");
        }

        await bob.Hub.CallAsync("react", new { room = Room, clientId = Chat.NewId(), seq = (long)FirstAnswer["seq"]!, emoji = "👍", on = true });
        using var http = server.HttpOf(Token);
        using var part = new ByteArrayContent(FileContent);
        using var content = new MultipartFormDataContent { { part, "file", "f.txt" } };
        using var uploaded = await http.PostAsync($"/api/rooms/{Room}/files", content);
        Assert.True(uploaded.IsSuccessStatusCode, await uploaded.Content.ReadAsStringAsync());
        FileId = (string)JsonNode.Parse(await uploaded.Content.ReadAsStringAsync())!["id"]!;
        var last = await ann.CallAsync("send", new { room = Room, clientId = Chat.NewId(), body = "with a file", files = new[] { FileId } });
        Rev = (long)last!["rev"]!;
        await SnapshotOfAllAsync(server);
        Index = server.Server.Services.GetRequiredService<RegistryReplica>().Index;
    }

    /// <summary>All that must be there is there, and everything goes on from it.</summary>
    public async Task CheckAsync(OwnServer server, bool withMessages = true, bool withFiles = true)
    {
        using (var before = server.HttpOf(Token))
        using (var refused = await before.GetAsync($"/api/rooms/{Room}/messages"))
        {
            Assert.Equal(System.Net.HttpStatusCode.Unauthorized, refused.StatusCode);
        }

        var token = await SignInAsync(server);
        await using var ann = await HubProbe.ConnectAsync(server.Address, token);
        await Eventually.Holds(async () => Chat.RoomIn(await ann.SyncAsync(), Room) is not null);
        foreach (var rev in (long[])[Rev - 2, Rev, Rev + 1, Rev + 1_000])
        {
            var sync = await ann.SubscribeAsync(Room, rev);
            Assert.True((bool)sync["reset"]! && (long)sync["rev"]! >= Rev + (1L << 32), $"{rev}: {sync.ToJsonString()}");
        }

        var messages = await ann.HistoryAsync(Room, 50);
        Assert.Equal(withMessages, messages.Any(message => (string)message["body"]! == Secret));
        if (withMessages)
        {
            Assert.Equal(FirstAnswer["seq"]!.GetValue<long>(), (long)(await ann.SendAsync(Room, "a repeat", ClientId))["seq"]!);
            Assert.Equal(1, (int)messages.Single(message => (string)message["body"]! == Secret)["reactions"]!["👍"]!["count"]!);
        }

        var rev1 = (long)(await ann.SubscribeAsync(Room))["rev"]!;
        var next = (long)(await ann.SendAsync(Room, "goes on"))["rev"]!;
        await ann.NextPostAsync(Room, "goes on"); // Who sends is answered a moment before the room's feed has it.
        var resumed = await ann.SubscribeAsync(Room, rev1);
        Assert.Equal((false, next), ((bool)resumed["reset"]!, (long)resumed["rev"]!));

        // An empty room first tells who joined.
        Assert.Equal(Enumerable.Range(1, (int)(next - rev1)).Select(i => rev1 + i), Chat.Messages(resumed).Select(message => (long)message["rev"]!));
        if (withFiles)
        {
            using var http = server.HttpOf(token);
            Assert.Equal(FileContent, await http.GetByteArrayAsync($"/api/files/{FileId}"));
        }
    }

    public async Task<string> SignInAsync(OwnServer server)
    {
        using var http = server.Server.CreateHttpClient();
        using var login = await System.Net.Http.Json.HttpClientJsonExtensions.PostAsJsonAsync(http, "/api/login", new { user = User, password = Password });
        Assert.True(login.IsSuccessStatusCode, await login.Content.ReadAsStringAsync());
        return (string)JsonNode.Parse(await login.Content.ReadAsStringAsync())!["accessToken"]!;
    }

    private static byte[] Noise()
    {
        var noise = new byte[64 * 1024];
        new Random(7).NextBytes(noise);
        return noise;
    }

    public static Task SnapshotOfAllAsync(OwnServer server) => Eventually.Holds(() =>
        server.Server.Services.GetRequiredService<SnapshotKeeper>().Index == server.Server.Services.GetRequiredService<RegistryReplica>().Index);

    public void Dispose() => _folder.Dispose();
}

/// <summary>Made once; each test loses a copy of it.</summary>
public sealed class LostCluster : IAsyncLifetime
{
    private ClusterToLose _cluster = null!;

    internal ClusterToLose Copy() => _cluster.Copy();

    public async Task InitializeAsync() => _cluster = await ClusterToLose.MakeAsync();

    public Task DisposeAsync()
    {
        _cluster.Dispose();
        return Task.CompletedTask;
    }
}
