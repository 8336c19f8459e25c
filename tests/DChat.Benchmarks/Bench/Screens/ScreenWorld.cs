using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using DChat.Client;
using DChat.Protocol;

namespace DChat.Benchmarks.Bench.Screens;

/// <summary>A server with somebody who reads in a terminal and somebody who writes into the same rooms.</summary>
internal sealed class ScreenWorld : IAsyncDisposable
{
    private const string Password = "only-for-this-measurement";
    private const int FillersInFlight = 64;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly Subject _server;
    private readonly string _folder = Directory.CreateTempSubdirectory("dchat-screen-").FullName;
    private readonly HttpClient _http;
    private int _terminals;

    private ScreenWorld(Subject server)
    {
        _server = server;
        _http = new HttpClient { BaseAddress = server.Address };
    }

    /// <summary>Ids, in the order in which they were made.</summary>
    public IReadOnlyList<string> Rooms { get; private set; } = [];

    private string Home => Path.Combine(_folder, "home");

    public static async Task<ScreenWorld> StartAsync(int rooms)
    {
        var world = new ScreenWorld(await Subject.StartDChatAsync());
        await world.RunDchatAsync(["register", "reader", "--server", world._server.Address.ToString()]);
        await using var writer = new ChatClient(world._server.Address.ToString());
        await writer.Account.RegisterAsync("writer", Password);
        await writer.ConnectAsync();
        var ids = new List<string>();
        for (var i = 0; i < rooms; i++)
        {
            var room = await writer.CreateRoomAsync(string.Create(CultureInfo.InvariantCulture, $"room-{i:00}"));
            ids.Add(room.Id);
            await world.RunDchatAsync(["join", room.Id]);
        }

        world.Rooms = ids;
        using var login = await world._http.PostAsJsonAsync("/api/login", new LoginRequest("writer", Password));
        var token = (await login.Content.ReadFromJsonAsync<TokenAnswer>())!.AccessToken;
        world._http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return world;
    }

    public Task<ControlledTerminal> OpenTerminalAsync() =>
        ControlledTerminal.StartAsync(Home, Directory.CreateDirectory(Path.Combine(_folder, $"terminal-{_terminals++}")).FullName);

    /// <summary>Fills each of the rooms.</summary>
    public async Task FillAsync(IEnumerable<string> rooms, int messagesPerRoom)
    {
        var all = rooms.SelectMany(room => Enumerable.Range(1, messagesPerRoom).Select(i => (room, i)));
        await Parallel.ForEachAsync(all, new ParallelOptions { MaxDegreeOfParallelism = FillersInFlight }, async (each, _) => await PostAsync(each.room, Body(each.i)));
    }

    /// <summary>Writes into a room at a steady rate until it is cancelled.</summary>
    /// <returns>How many were acknowledged a second.</returns>
    public async Task<double> WriteAsync(string room, int perSecond, CancellationToken stop)
    {
        var (started, begun, done) = (Stopwatch.GetTimestamp(), 0, 0);
        var posts = new List<Task>();
        while (!stop.IsCancellationRequested)
        {
            for (var due = (int)(Stopwatch.GetElapsedTime(started).TotalSeconds * perSecond); begun < due; begun++)
            {
                posts.Add(CountAsync(begun));
            }

            posts.RemoveAll(post => post.IsCompletedSuccessfully);
            await Task.Delay(1, CancellationToken.None);
        }

        var rate = done / Stopwatch.GetElapsedTime(started).TotalSeconds;
        await Task.WhenAll(posts).WaitAsync(Limit, CancellationToken.None);
        return rate;

        async Task CountAsync(int number)
        {
            await PostAsync(room, Body(number));
            Interlocked.Increment(ref done);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static string Body(int number) => string.Create(CultureInfo.InvariantCulture, $"message {number} of somebody who has *much* to say about `nothing` in particular, and says it at some length");

    private async Task PostAsync(string room, string body)
    {
        using var answer = await _http.PostAsJsonAsync($"/api/rooms/{room}/messages", new { body });
        answer.EnsureSuccessStatusCode();
    }

    private async Task RunDchatAsync(string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "dchat"), arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["XDG_CONFIG_HOME"] = Home;
        start.Environment["DCHAT_PASSWORD"] = Password;
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(Limit);
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"dchat {string.Join(' ', arguments)}: {await error}{await output}");
        }
    }
}
