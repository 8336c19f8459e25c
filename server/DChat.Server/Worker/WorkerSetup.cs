using DChat.Core.Blobs;
using DChat.Core.ControlLog;
using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Http;
using DChat.Server.Observability;
using DChat.Server.Worker.Calls;
using DChat.Server.Worker.Gateway;
using DChat.Server.Worker.Host;
using DChat.Server.Worker.Hub;
using DChat.Server.Worker.Joining;
using DChat.Server.Worker.Peers;
using DChat.Server.Worker.Transport;
using RoomHost = DChat.Server.Worker.Host.RoomHost;

namespace DChat.Server.Worker;

/// <summary>What makes a process a worker: the gateway for clients, and the host of the rooms assigned to it.</summary>
internal static class WorkerSetup
{
    /// <summary>What may wait for all slow clients together, in bytes; above it each may queue less.</summary>
    private const long OutboxBytesInAll = 512L * 1024 * 1024;

    /// <summary>Entries of the registry that are kept for other workers, which may miss the newest when a coordinator dies; and their bytes, about.</summary>
    private const int KeptEntries = 1_024;

    private const long KeptEntryBytes = 2 * 1024 * 1024;

    public static void AddWorker(this WebApplicationBuilder builder, ServerOptions options)
    {
        var services = builder.Services;
        services.AddSingleton<IMessageStore>(provider =>
        {
            if (!options.IsHost)
            {
                return ActivatorUtilities.CreateInstance<PeerMessageStore>(provider);
            }

            // The control log first: messages without a log mean that it was lost.
            provider.GetService<IControlLog>();
            return MessageStores.Open(options, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILoggerFactory>());
        });
        services.AddSingleton<RegistryHalt>().AddHostedService(provider => provider.GetRequiredService<RegistryHalt>());
        services.AddSingleton<OwnDrain>();
        services.AddSingleton<IRoomAuthority, RegistryAuthority>();
        services.AddSingleton<RoomHost>();
        services.AddPeers();
        services.AddSingleton<ChatGateway>();
        services.AddSingleton<ConnectionLimits>();
        services.AddSingleton<ReadMarks>();
        services.AddSingleton<SearchGate>();
        services.AddSingleton<RegistryCalls>();
        services.AddSingleton<Removals>();
        services.AddSingleton<DeletedRooms>();
        services.AddSingleton<RoomDirectory>();
        services.AddSingleton<SyncCalls>();
        services.AddSingleton<RoomPasswords>();
        services.AddSingleton<RoomCalls>();
        services.AddSingleton<MemberCalls>();
        services.AddSingleton<MessageCalls>();
        services.AddSingleton<IRoomFiles, UploadedFiles>();
        services.AddSingleton<IApiEndpoints, MessageEndpoints>();
        services.AddSingleton<IReadiness, WorkerReadiness>();
        services.AddSingleton<HubFaults>();
        services.AddSingleton<HubTable>();
        services.AddSingleton(provider => new HubDispatcher(provider.GetRequiredService<HubTable>().Methods()));
        services.AddSingleton(provider => new ServerInfo(
            ConfigVerbs.ProductVersion,
            ProtocolVersion.Current,
            provider.GetRequiredService<WorkerIdentity>().Id,
            options.Limits.ToContract()));
        services.AddSingleton(provider =>
        {
            var metrics = provider.GetRequiredService<DChatMetrics>();
            return new OutboxBudget(options.Limits.OutboxBytes, OutboxBytesInAll, () => metrics.OutboxOverflows.Add(1));
        });
        services.AddSingleton<HubDoor>();
        services.AddSingleton<HubEndpoint>();
        if (options.IsCoordinator)
        {
            services.AddSingleton<IClusterMembership, LocalMembership>();
            services.AddSingleton<RoomActivities>();
        }
        else
        {
            services.AddSingleton<RegistryReplica>();
            services.AddSingleton(provider => new RegistryFeed(provider.GetRequiredService<RegistryReplica>(), KeptEntries, KeptEntryBytes));
            services.AddSingleton(new CoordinatorAddresses(options.Coordinators));
            services.AddSingleton<CoordinatorLink>();
            services.AddSingleton<IClusterMembership>(provider => provider.GetRequiredService<CoordinatorLink>());
            services.AddSingleton(provider =>
            {
                var activities = new RoomActivities();
                provider.GetRequiredService<CoordinatorLink>().ActivityTold += activities.Report;
                return activities;
            });
            services.AddSingleton<IRegistryCommands>(provider => provider.GetRequiredService<CoordinatorLink>());
            services.AddHostedService(provider => provider.GetRequiredService<CoordinatorLink>());
        }

        services.AddSingleton(provider => new StoreCheck(provider.GetRequiredService<IMessageStore>().CheckAsync, provider.GetRequiredService<TimeProvider>()));
        services.AddHostedService<WorkerService>();
        services.AddHostedService<CutOffWatch>();
        services.AddHostedService<ActivityReader>();
        services.AddHostedService<Housekeeping>();
    }

    public static void MapHub(this WebApplication app)
    {
        var store = app.Services.GetRequiredService<IMessageStore>();
        var budget = app.Services.GetRequiredService<OutboxBudget>();
        var metrics = app.Services.GetRequiredService<DChatMetrics>();
        metrics.ObserveSearchLag(() => store.SearchLag.Messages, () => store.SearchLag.OldestAgeMs / 1_000.0);
        metrics.ObserveOutboxes(() => budget.TakenBytes);
        var gateway = app.Services.GetRequiredService<ChatGateway>();
        metrics.ObserveCutOff(() => gateway.IsCutOff ? 1 : 0);
        if (app.Services.GetService<CoordinatorLink>() is { } link)
        {
            metrics.ObserveLeaderLink(() => link.IsLinkedToLeader ? 1 : 0);
        }

        var hub = app.Services.GetRequiredService<HubEndpoint>();
        app.MapGet(ProtocolVersion.HubPath, (RequestDelegate)hub.HandleAsync);
    }
}
