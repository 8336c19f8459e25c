using System.Net.Http.Headers;
using System.Net.Http.Json;
using DChat.Core.Messages;
using DChat.Core.Registry;
using DChat.Protocol;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Http;
using DChat.Server.Nodes;
using DChat.Server.Tests.Contract;
using DChat.Server.Worker;
using DChat.Storage.Sqlite.Messages;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Server.Tests.Peers;

/// <summary>A coordinator and workers in the test's process: real links over loopback, one store, and rooms that move when the test says so.</summary>
internal sealed class PeerCluster : IAsyncDisposable
{
    /// <summary>Where the coordinator says that it is: workers reach it by their proxies only, else they would come back past a cut.</summary>
    private const string Nowhere = "127.0.0.1:1";

    /// <summary>The cluster's.</summary>
    public static readonly string Secret = Convert.ToBase64String([.. Enumerable.Range(0, 32).Select(i => (byte)(i * 7))]);

    private readonly TemporaryFolder _folder = new();
    private readonly List<PeerWorker> _workers = [];
    private SqliteMessageStore? _store;
    private InProcessServer? _coordinator;
    private HttpClient? _admin;
    private int _hired;

    public IReadOnlyList<PeerWorker> Workers => _workers;

    /// <param name="hosts">Workers with the store.</param>
    /// <param name="gateways">Workers without one.</param>
    /// <param name="all">The coordinator is a worker too, which hosts nothing unless the test says so.</param>
    /// <param name="linkVersion">Of links, which the coordinator and the last host say that they speak at most.</param>
    /// <param name="cutOffMs">After how long a worker that is cut off sends its clients away; as usual.</param>
    public static async Task<PeerCluster> StartAsync(int hosts, int gateways = 0, bool all = false, int linkVersion = NodeHello.LinkVersion, int cutOffMs = 3_000)
    {
        var cluster = new PeerCluster();
        try
        {
            await cluster.StartThemAsync(hosts, gateways, all, linkVersion, cutOffMs);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public InProcessServer Coordinator => _coordinator!;

    /// <summary>The messages of all rooms, as they are whatever workers are kept from.</summary>
    public IMessageStore Store => _store!;

    /// <summary>Deletes a room as <c>room delete</c> does, at a worker.</summary>
    public async Task DeleteAsAdminAsync(int worker, string room)
    {
        using var deletion = new HttpRequestMessage(HttpMethod.Delete, new Uri(_workers[worker].Server.Client, $"/api/admin/rooms/{room}"));
        using var answer = await _admin!.SendAsync(deletion).Within();
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>What <c>worker drain</c> is answered.</summary>
    public Task<HttpResponseMessage> DrainAsAdminAsync(int worker) => _admin!.PostAsync($"/api/admin/workers/{_workers[worker].Id}/drain", null).Within();

    /// <summary>The lines of a room's export, made at a worker.</summary>
    public async Task<string[]> ExportAsync(int worker, string room)
    {
        var text = await _admin!.GetStringAsync(new Uri(_workers[worker].Server.Client, $"/api/admin/rooms/{room}/export")).Within();
        return text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>An account that nobody else uses, connected to a worker.</summary>
    public async Task<Person> PersonAsync(int worker)
    {
        using var answer = await _admin!.PostAsJsonAsync("/api/admin/users/bulk", new { prefix = $"u{Interlocked.Increment(ref _hired)}-", count = 1 });
        var made = (await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<BulkUsersAnswer>())!.Users[0];
        await Eventually.Holds(() => _workers[worker].Replica.State.FindAccount(made.User) is not null);
        var address = _workers[worker].Server.Client;
        return new Person(address, made.User, made.AccessToken, await HubProbe.ConnectAsync(address, made.AccessToken));
    }

    /// <summary>A room with everybody in it, hosted by a worker; all are subscribed and know where its events begin.</summary>
    public async Task<string> MakeRoomAsync(int host, params Person[] people)
    {
        var room = await people[0].Hub.MakeRoomAsync();
        await MoveAsync(room, host);
        foreach (var person in people.Skip(1))
        {
            await person.Hub.CallAsync("joinRoom", new { room });
        }

        return room;
    }

    /// <summary>Has the registry say that a worker hosts a room, and waits until every worker has heard it.</summary>
    public async Task MoveAsync(string room, int worker)
    {
        var index = await AssignAsync(room, worker);
        foreach (var other in _workers)
        {
            Assert.True(await other.Replica.WaitForAsync(index, Eventually.DefaultLimit, CancellationToken.None));
        }
    }

    /// <summary>Has the registry say that a worker hosts a room; answers by which entry.</summary>
    public async Task<long> AssignAsync(string room, int worker)
    {
        var command = new AssignRooms(Chat.NewId(), "", 0, _workers[worker].Id, [room]);
        var result = await _coordinator!.Services.GetRequiredService<IRegistryCommands>().SubmitAsync(command, CancellationToken.None).Within();
        Assert.True(result.Outcome.IsOk, result.Outcome.Text);
        return result.Index;
    }

    public async ValueTask DisposeAsync()
    {
        _admin?.Dispose();
        foreach (var worker in _workers)
        {
            worker.Store?.Release();
            worker.Proxy.Mend();
            worker.Proxy.Release();
            worker.Registry.Release();
        }

        // One after the other: each gives its rooms to those that are left.
        foreach (var worker in _workers)
        {
            await worker.Server.DisposeAsync();
            await worker.Proxy.DisposeAsync();
            await worker.Registry.DisposeAsync();
        }

        await (_coordinator?.DisposeAsync() ?? default);
        await (_store?.DisposeAsync() ?? default);
        _folder.Dispose();
    }

    private async Task StartThemAsync(int hosts, int gateways, bool all, int linkVersion, int cutOffMs)
    {
        _store = SqliteMessageStore.Open(new SqliteMessageStoreOptions { Path = _folder["messages.db"] }, TimeProvider.System, NullLogger<SqliteMessageStore>.Instance);
        var port = FreePort.Next();

        // Creator: nothing moves but by the test's own hand.
        _coordinator = await InProcessServer.StartAsync(options => options with
        {
            Mode = all ? ServerMode.All : ServerMode.Coordinator,
            NodePort = port,
            Advertise = all ? null : Nowhere,
            ClusterSecret = Secret,
            Placement = RoomPlacementMode.Creator,
            WorkerSilenceMs = 60_000,
            WorkerClosedMs = 60_000,
        }, builder =>
        {
            Speak(builder.Services, linkVersion);
            if (all)
            {
                builder.Services.Replace(ServiceDescriptor.Singleton<IMessageStore>(new HeldStore(_store)));
            }
        });
        for (var i = 0; i < hosts + gateways; i++)
        {
            _workers.Add(await StartWorkerAsync(port, isHost: i < hosts, i == hosts - 1 ? linkVersion : NodeHello.LinkVersion, cutOffMs));
        }

        _admin = _workers[0].Server.CreateHttpClient();
        using var answer = await _admin.PostAsJsonAsync("/api/login", new { user = "admin", password = _coordinator.AdminPassword });
        var token = (await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<TokenAnswer>())!.AccessToken;
        _admin.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    private async Task<PeerWorker> StartWorkerAsync(int coordinator, bool isHost, int linkVersion, int cutOffMs)
    {
        var port = FreePort.Next();
        var proxy = new CuttableProxy(port);
        var registry = new CuttableProxy(coordinator);
        var store = isHost ? new HeldStore(_store!) : null;
        var server = await InProcessServer.StartAsync(
            options => options with
            {
                Mode = ServerMode.Worker,
                NodePort = port,
                Advertise = proxy.Address,
                ClusterSecret = Secret,
                Coordinators = registry.Address,
                Store = isHost ? EngineUrl.Under(options.Data, "sqlite", "unused.db") : null,
                AccessTokenSeconds = 3_600,
                CutOffMs = cutOffMs,
                Limits = options.Limits with { SendBurst = 0, CallBurst = 0, SearchBurst = 0 },
            },
            builder =>
            {
                Speak(builder.Services, linkVersion);
                if (store is not null)
                {
                    builder.Services.Replace(ServiceDescriptor.Singleton<IMessageStore>(store));
                }
            });
        return new PeerWorker(server, proxy, registry, store);
    }

    private static void Speak(IServiceCollection services, int linkVersion)
    {
        var self = services.Single(service => service.ServiceType == typeof(NodeSelf)).ImplementationFactory!;
        services.Replace(ServiceDescriptor.Singleton(provider => (NodeSelf)self(provider) with { Newest = linkVersion }));
    }
}

/// <param name="Proxy">Before its node port: gateways reach it only so.</param>
/// <param name="Registry">Its way to the coordinator.</param>
/// <param name="Store">Null for a gateway only.</param>
internal sealed record PeerWorker(InProcessServer Server, CuttableProxy Proxy, CuttableProxy Registry, HeldStore? Store)
{
    public string Id => Server.Services.GetRequiredService<WorkerIdentity>().Id;

    public RegistryReplica Replica => Server.Services.GetRequiredService<RegistryReplica>();
}
