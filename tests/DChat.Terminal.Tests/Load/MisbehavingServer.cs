using System.Text.Json.Serialization;
using DChat.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace DChat.Terminal.Tests.Load;

/// <summary>What a server does wrong, every so often.</summary>
public enum Misbehaviour
{
    None,
    SkipsOneClient,
    ShowsTwice,
    ShowsInWrongOrder,
    ShowsAltered,
    ShowsWhatNobodySent,
    ForgetsWhatItAcknowledged,
    LosesFromHistory,
    ShowsWhatItRefused,
    StoresARepeatTwice,
    RefusesTheAdministrator,
    RefusesEverySend,
    NeverAnswersReadMarks,

    // Allowed by the contract: the verdict must be clean.
    CutsConnections,
    AsksForPatience,
    AsksToResync,
}

/// <summary>A real hub over a real socket that keeps rooms in memory and breaks its promises as it is told, to see that <c>dchat load</c> notices.</summary>
internal sealed class MisbehavingServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private MisbehavingServer(WebApplication app) => _app = app;

    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    public static async Task<MisbehavingServer> StartAsync(Misbehaviour misbehaviour)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddSingleton(new MisbehavingRooms(misbehaviour));
        builder.Services.AddSignalR(hub =>
            {
                hub.EnableDetailedErrors = true;
                hub.MaximumParallelInvocationsPerClient = misbehaviour == Misbehaviour.NeverAnswersReadMarks ? 2 : 1; // What is stuck must not hold up the rest.
            })
            .AddJsonProtocol(json => json.PayloadSerializerOptions.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull);
        var app = builder.Build();
        app.MapPost("/api/login", () => misbehaviour == Misbehaviour.RefusesTheAdministrator
            ? Results.Problem(statusCode: StatusCodes.Status401Unauthorized)
            : Results.Ok(new TokenAnswer("admin", "token", "refresh", 300)));
        app.MapPost("/api/admin/users/bulk", (BulkUsersRequest request) => new BulkUsersAnswer(
            [.. Enumerable.Range(0, request.Count).Select(user => new BulkUser($"{request.Prefix}{user}", "token"))],
            [.. Enumerable.Range(0, request.Rooms).Select(room => new BulkRoom($"room{room}", [.. Enumerable.Range(0, request.MembersPerRoom)]))]));
        app.MapHub<MisbehavingHub>(ProtocolVersion.HubPath);
        await app.StartAsync();
        return new MisbehavingServer(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}

internal sealed class MisbehavingHub(MisbehavingRooms rooms) : Hub
{
    [HubMethodName("sync")]
    public SyncAnswer Sync(SyncRequest request) => rooms.Sync(Context, Clients.Caller, request);

    [HubMethodName("subscribe")]
    public RoomSync Subscribe(SubscribeRequest request) => rooms.Subscribe(Context, Clients.Caller, request.Room!, request.AfterRev);

    [HubMethodName("send")]
    public SendAnswer Send(SendRequest request) => rooms.Send(request);

    [HubMethodName("markRead")]
    public Task MarkRead(MarkReadRequest request) => rooms.MarkReadAsync(request, Context.ConnectionAborted);

    [HubMethodName("history")]
    public HistoryAnswer History(HistoryRequest request) => rooms.History(request);

    public override Task OnDisconnectedAsync(Exception? exception)
    {
        rooms.Left(Context.ConnectionId);
        return Task.CompletedTask;
    }
}
