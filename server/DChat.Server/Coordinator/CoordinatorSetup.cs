using DChat.Core.Blobs;
using DChat.Core.ControlLog;
using DChat.Core.Placement;
using DChat.Core.Registry;
using DChat.Server.Cli;
using DChat.Server.Coordinator.Snapshots;
using DChat.Server.Coordinator.Standby;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Http;
using DChat.Server.EtcdMembers;
using DChat.Server.Nodes;
using DChat.Server.Observability;

namespace DChat.Server.Coordinator;

/// <summary>What makes a process a coordinator: the control log, the registry and its leader, and snapshots in the blob store.</summary>
internal static class CoordinatorSetup
{
    public static void AddCoordinator(this WebApplicationBuilder builder, ServerOptions options)
    {
        var services = builder.Services;
        RefuseLostLog(options);
        services.AddSingleton(new CoordinatorOptions
        {
            Advertise = options.EffectiveAdvertise,
            Admission = options.Admission,
            Placement = Enum.Parse<PlacementPolicy>(options.Placement.ToString()),
            WorkerSilence = TimeSpan.FromMilliseconds(options.WorkerSilenceMs),
            WorkerClosed = TimeSpan.FromMilliseconds(options.WorkerClosedMs),
            MovesPerSecond = options.MovesPerSecond,
            SnapshotEntries = options.SnapshotEntries,
            SnapshotInterval = TimeSpan.FromMinutes(options.SnapshotMinutes),
            SnapshotsKept = options.SnapshotsKept,
            SnapshotDays = options.SnapshotDays,
            Limits = new RegistryLimits
            {
                RoomsPerUser = options.Limits.RoomsPerUser,
                MembersPerRoom = options.Limits.MembersPerRoom,
                ApiTokensPerUser = options.Limits.TokensPerUser,
            },
            ScratchFolder = options.Data,
            BeganPath = Path.Combine(options.Data, "registry-began"),
            SharesSnapshots = !options.SharesLog || options.Blobs is not null,
            TermPath = options.SharesLog ? Path.Combine(options.Data, "term") : null,
            StartsAsLeader = !options.SharesLog || options.IsWorker,
            RunsMember = options.Peers is not null,
            AdminPasswordPath = Path.Combine(options.Data, "initial-admin-password"),
            AdminPassword = Environment.GetEnvironmentVariable(Settings.AdminPasswordVariable),
        });
        if (options.Peers is not null)
        {
            services.AddMember(options);
        }

        services.AddSingleton(provider => ControlLogs.Open(
            options, provider.GetService<MemberOptions>()?.LogUrl, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILoggerFactory>()));
        services.AddSingleton(provider => new SnapshotStore(
            provider.GetRequiredService<IBlobStore>(), provider.GetRequiredService<ClusterSecret>(), provider.GetRequiredService<CoordinatorOptions>().ScratchFolder, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<SnapshotKeeper>();
        services.AddSingleton<RegistryReplica>();
        services.AddSingleton<WorkerWatch>();
        services.AddSingleton<ClusterDuties>();
        services.AddSingleton<ClusterPicture>();
        services.AddSingleton<WorkerAdmissions>();
        services.AddSingleton<RegistryFeed>();
        services.AddSingleton<INodeServer, RegistryDoor>();
        services.AddSingleton<StandbyWatch>();
        if (options.SharesLog)
        {
            services.AddSingleton<SnapshotPlace>();
            services.AddSingleton<LeaderLink>();
            services.AddSingleton<INodeServer, StandbyDoor>();
        }

        services.AddSingleton<CoordinatorService>();
        services.AddSingleton<IRegistryCommands>(provider => provider.GetRequiredService<CoordinatorService>());
        services.AddHostedService(provider => provider.GetRequiredService<CoordinatorService>());
        services.AddSingleton<LogLag>().AddHostedService(provider => provider.GetRequiredService<LogLag>());
        services.AddSingleton<IReadiness, CoordinatorReadiness>();
    }

    /// <summary>A coordinator alone has no door for clients: whether it lives and is ready is asked at the nodes' one.</summary>
    public static void MapCoordinatorHealth(this WebApplication app)
    {
        app.MapGet("/health/live", () => Results.Text("live\n")).OnNodePort();
        app.MapGet("/health/ready", async (HttpContext context) =>
        {
            foreach (var part in app.Services.GetServices<IReadiness>())
            {
                if (await part.WhyNotReadyAsync(context.RequestAborted) is { } why)
                {
                    return Results.Text(why + "\n", statusCode: StatusCodes.Status503ServiceUnavailable);
                }
            }

            return Results.Text("ready\n");
        }).OnNodePort();
    }

    /// <summary>Shows where the registry stands in the metrics.</summary>
    public static void ObserveCoordinator(this WebApplication app)
    {
        var metrics = app.Services.GetRequiredService<DChatMetrics>();
        var replica = app.Services.GetRequiredService<RegistryReplica>();
        var keeper = app.Services.GetRequiredService<SnapshotKeeper>();
        var log = app.Services.GetRequiredService<IControlLog>();
        var lag = app.Services.GetRequiredService<LogLag>();
        metrics.ObserveLog(() => replica.Index, () => lag.Entries);
        metrics.ObserveLogEngine(() => lag.AwaySeconds, () => log.Space?.Bytes, () => log.Space?.BytesMax);
        metrics.ObserveSnapshots(() => keeper.Age?.TotalSeconds, () => keeper.Failures, () => keeper.LogEntries);
        var coordinator = app.Services.GetRequiredService<CoordinatorService>();
        var standbys = app.Services.GetRequiredService<StandbyWatch>();
        if (app.Services.GetService<MemberService>() is { } member)
        {
            metrics.ObserveMember(() => member.Ends);
        }

        metrics.ObserveLeadership(() => coordinator.IsLeader ? 1 : 0, () => coordinator.Term, () => standbys.All.Count(standby => !standby.IsParked), () => coordinator.IsParked ? 1 : 0);
    }

    /// <summary>A message store is never made before its control log: without the log, accounts, rooms and rights would silently begin anew.</summary>
    private static void RefuseLostLog(ServerOptions options)
    {
        if (!options.SharesLog && !File.Exists(options.LogPath) && File.Exists(options.StorePath))
        {
            throw new StartRefusedException(
                $"The control log '{options.LogPath}' is missing, but the messages of its rooms are there ('{options.StorePath}'). Remedy: where a restore was interrupted, give the same command again; else put it back from a backup, or begin anew from the snapshots (dchat-server restore); for a new cluster, give an empty folder with --data.");
        }
    }

    private sealed class CoordinatorReadiness(CoordinatorService coordinator, RegistryReplica replica) : IReadiness
    {
        public ValueTask<string?> WhyNotReadyAsync(CancellationToken cancellation) =>
            new(coordinator.WhyParked ?? (replica.State.ProtectionKeys.Count == 0 ? "The registry is not there yet." : null));
    }
}
