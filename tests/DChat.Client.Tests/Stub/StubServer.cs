using System.Collections.Concurrent;
using DChat.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace DChat.Client.Tests.Stub;

/// <summary>
/// A hub on Microsoft's own SignalR server that speaks just enough of the contract to show a client what a cluster does
/// when it is in trouble. The real server's tests are elsewhere; this one can be told to misbehave.
/// </summary>
internal sealed class StubServer : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly StubConnections connections;

    private StubServer(WebApplication app)
    {
        this.app = app;
        connections = app.Services.GetRequiredService<StubConnections>();
    }

    public Uri Address => new(app.Urls.Single());

    public int Connections => connections.All.Count;

    public int Accepted => connections.Accepted;

    /// <summary>Takes connections, and can serve nobody: its store is away.</summary>
    public bool IsStoreAway
    {
        set => connections.IsStoreAway = value;
    }

    public static async Task<StubServer> StartAsync(StubWorld world, int port = 0)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        builder.Services.AddSingleton(world);
        builder.Services.AddSingleton<StubConnections>();
        builder.Services.AddSignalR(o =>
        {
            o.MaximumParallelInvocationsPerClient = 16;
            o.EnableDetailedErrors = false;
        }).AddJsonProtocol(o => o.PayloadSerializerOptions.DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull);
        builder.Services.ConfigureHttpJsonOptions(o => o.SerializerOptions.TypeInfoResolverChain.Insert(0, ProtocolJson.Wire));
        var app = builder.Build();
        app.UseWebSockets();
        app.Use(async (context, next) =>
        {
            if (context.Request.Path.StartsWithSegments("/chat", StringComparison.Ordinal) && !Accepts(world, context))
            {
                context.Response.StatusCode = StatusCodes.Status401Unauthorized;
                return;
            }

            await next();
        });
        app.MapPost("/api/login", (LoginRequest login) => Results.Json(world.SignIn(login.User!)));
        app.MapPost("/api/refresh", (RefreshRequest refresh) => world.Refresh(refresh.RefreshToken!) is { } answer
            ? Results.Json(answer)
            : Results.Json(new Problem(null, "Bad token", 401, ErrorCodes.BadToken), statusCode: 401));
        app.MapGet("/api/files/{id}", () => Results.Redirect(world.FileAddress!.AbsoluteUri));
        app.MapHub<StubHub>("/chat");
        await app.StartAsync();
        return new StubServer(app);
    }

    /// <summary>Cuts every connection without a word, as a killed process does.</summary>
    public void Cut() => connections.Cut();

    public Task TellAllAsync(string name, object payload) =>
        app.Services.GetRequiredService<IHubContext<StubHub>>().Clients.All.SendAsync(name, payload);

    /// <summary>Posts as somebody else, and tells those that are subscribed.</summary>
    public async Task PostAsync(string room, string author, string body)
    {
        var world = app.Services.GetRequiredService<StubWorld>();
        var (_, posted) = world.Commit(author, new SendRequest(room, Guid.NewGuid().ToString("N"), body));
        await connections.TellAsync(app.Services.GetRequiredService<IHubContext<StubHub>>(), room, posted!);
    }

    /// <summary>Ends everybody's subscription of a room, as a server does with a connection that is too slow.</summary>
    public async Task ResyncAsync(string room, Func<Task> meanwhile)
    {
        var rev = app.Services.GetRequiredService<StubWorld>().Room(room).Model.Rev;
        connections.Unsubscribe(room);
        await meanwhile();
        await TellAllAsync(HubEvents.Resync, new ResyncNeeded(room, rev));
    }

    public async ValueTask DisposeAsync()
    {
        connections.Cut();
        await app.StopAsync();
        await app.DisposeAsync();
    }

    private static bool Accepts(StubWorld world, HttpContext context)
    {
        var token = context.Request.Headers.Authorization.ToString().Replace("Bearer ", "", StringComparison.Ordinal);
        lock (world.Gate)
        {
            return world.AccessTokens.Contains(token);
        }
    }
}

internal sealed class StubConnections
{
    private int accepted;

    public ConcurrentDictionary<string, HubCallerContext> All { get; } = [];

    public int Accepted => accepted;

    public bool IsStoreAway { get; set; }

    private readonly ConcurrentDictionary<(string Connection, string Room), bool> subscriptions = [];

    public void Add(HubCallerContext context)
    {
        Interlocked.Increment(ref accepted);
        All[context.ConnectionId] = context;
    }

    public void Remove(string connection) => All.TryRemove(connection, out _);

    public void Subscribe(string connection, string room) => subscriptions[(connection, room)] = true;

    public void Unsubscribe(string room)
    {
        foreach (var key in subscriptions.Keys.Where(k => k.Room == room))
        {
            subscriptions.TryRemove(key, out _);
        }
    }

    public Task TellAsync(IHubContext<StubHub> hub, string room, RoomEvent change) => hub.Clients
        .Clients([.. subscriptions.Keys.Where(k => k.Room == room).Select(k => k.Connection)])
        .SendAsync(HubEvents.Events, new RoomEvents(room, [change]));

    public void Cut()
    {
        foreach (var context in All.Values)
        {
            context.Abort();
        }
    }
}

internal sealed class StubHub(StubWorld world, StubConnections connections, IHubContext<StubHub> everybody) : Hub
{
    public override Task OnConnectedAsync()
    {
        connections.Add(Context);
        return Task.CompletedTask;
    }

    public override Task OnDisconnectedAsync(Exception? exception)
    {
        connections.Remove(Context.ConnectionId);
        return Task.CompletedTask;
    }

    [HubMethodName(HubMethods.Sync)]
    public SyncAnswer Sync(SyncRequest request)
    {
        ThrowIfAway(connections.IsStoreAway);
        lock (world.Gate)
        {
            foreach (var room in world.Rooms)
            {
                connections.Subscribe(Context.ConnectionId, room.Info.Id);
            }

            var limits = new ServerLimits(8_000, 262_144, 0, 200, 100, 500, 0, 0);
            return new SyncAnswer(
                new Me(User, User, []),
                new ServerInfo("stub", 1, "w1", limits),
                [.. world.Rooms.Select(r => r.Sync(request.Revs is { } revs && revs.TryGetValue(r.Info.Id, out var rev) ? rev : null))],
                [.. world.Invitations]);
        }
    }

    [HubMethodName(HubMethods.Subscribe)]
    public RoomSync Subscribe(SubscribeRequest request)
    {
        ThrowIfAway(world.Away.ContainsKey(request.Room!));
        lock (world.Gate)
        {
            connections.Subscribe(Context.ConnectionId, request.Room!);
            return world.Room(request.Room!).Sync(request.AfterRev);
        }
    }

    [HubMethodName(HubMethods.Send)]
    public async Task<SendAnswer> Send(SendRequest request)
    {
        world.BeforeCommit?.Invoke(request);
        var (answer, posted) = world.Commit(User, request);
        if (posted is not null)
        {
            await connections.TellAsync(everybody, request.Room!, posted);
        }

        if (world.AfterCommit?.Invoke(request) == false)
        {
            Context.Abort();
            await Task.Delay(Timeout.Infinite, Context.ConnectionAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return answer;
    }

    [HubMethodName(HubMethods.History)]
    public HistoryAnswer History(HistoryRequest request)
    {
        lock (world.Gate)
        {
            return world.Room(request.Room!).Model.History(request.BeforeSeq);
        }
    }

    [HubMethodName(HubMethods.SetPresence)]
    public void SetPresence(SetPresenceRequest request) => ArgumentNullException.ThrowIfNull(request.State);

    [HubMethodName(HubMethods.MarkRead)]
    public void MarkRead(MarkReadRequest request) => ArgumentNullException.ThrowIfNull(request.Room);

    private static void ThrowIfAway(bool isAway)
    {
        if (isAway)
        {
            throw new HubException($"{ErrorCodes.Unavailable}: it cannot be served now");
        }
    }

    private string User => Context.GetHttpContext()!.Request.Headers.Authorization.ToString()["Bearer ".Length..].Split('/')[0];
}
