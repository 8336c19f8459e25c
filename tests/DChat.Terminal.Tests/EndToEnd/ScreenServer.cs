using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using DChat.Protocol;
using DChat.TestKit;

namespace DChat.Terminal.Tests.EndToEnd;

/// <summary>The real server, and a robot that writes and reads over HTTP.</summary>
public sealed class ScreenServer : IAsyncLifetime
{
    private int names;

    public ServerProcess Process { get; private set; } = null!;

    public string Address => Process.Client.ToString().TrimEnd('/');

    public async Task InitializeAsync() => Process = await ServerProcess.StartAsync(ServerProcess.WithoutRateLimits);

    public async Task DisposeAsync() => await Process.DisposeAsync();

    /// <summary>A name that no other test has.</summary>
    public string Unique(string name) => string.Create(CultureInfo.InvariantCulture, $"{name}{Interlocked.Increment(ref names)}");

    internal async Task<Robot> RobotAsync(string room)
    {
        var name = Unique("robot");
        var http = Process.CreateHttpClient();
        using var registered = await http.PostAsJsonAsync("/api/register", new RegisterRequest(name, Person.Password, null, null));
        registered.EnsureSuccessStatusCode();
        var token = (await registered.Content.ReadFromJsonAsync<TokenAnswer>())!.AccessToken;
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        await using var hub = await HubProbe.ConnectAsync(Process.Client, token);
        var made = await hub.CallAsync("createRoom", new { name = room, visibility = Visibilities.Public });
        return new Robot(http, name, made!["id"]!.GetValue<string>());
    }
}

/// <summary>Made a room, and writes into it.</summary>
internal sealed class Robot(HttpClient http, string name, string room) : IDisposable
{
    public string Name => name;

    public async Task SayAsync(string body)
    {
        using var answer = await http.PostAsJsonAsync($"/api/rooms/{room}/messages", new { body });
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>Many at once, in whatever order.</summary>
    public Task SayAllAsync(IEnumerable<string> bodies) =>
        Parallel.ForEachAsync(bodies, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (body, _) => await SayAsync(body));

    /// <summary>All that people wrote, in the room's order.</summary>
    public async Task<IReadOnlyList<(string Author, string Body)>> ReadAllAsync()
    {
        List<(string, string)> all = [];
        for (long? before = null; before != 1;)
        {
            var page = await http.GetFromJsonAsync<JsonElement>($"/api/rooms/{room}/messages?limit=200{(before is { } seq ? $"&beforeSeq={seq}" : "")}");
            var messages = page.GetProperty("messages").EnumerateArray().ToList();
            all.InsertRange(0, messages.Where(m => m.GetProperty("kind").GetString() == MessageKinds.Text).Select(m => (m.GetProperty("author").GetString()!, m.GetProperty("body").GetString()!)));
            before = messages.Count == 0 ? 1 : messages[0].GetProperty("seq").GetInt64();
        }

        return all;
    }

    public void Dispose() => http.Dispose();
}
