using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Http;
using DChat.Server.Worker;

namespace DChat.Server.Nodes;

/// <summary>What makes a process a node among others.</summary>
internal static class NodeSetup
{
    private const string SecretFile = "cluster-secret";

    public static void AddNode(this WebApplicationBuilder builder, ServerOptions options)
    {
        var services = builder.Services;
        services.AddSingleton(_ => Secret(options));
        services.AddSingleton(_ => WorkerIdentity.Load(options.Data));
        services.AddSingleton(provider =>
        {
            var identity = provider.GetRequiredService<WorkerIdentity>();
            var node = options.IsWorker ? identity.Id : "coordinator@" + options.EffectiveAdvertise;
            return new NodeSelf(node, identity.Incarnation, options.EffectiveAdvertise, ConfigVerbs.ProductVersion);
        });
        services.AddSingleton<NodeHandshake>();
        services.AddSingleton(provider => new NodeDialer(
            provider.GetRequiredService<NodeHandshake>(),
            provider.GetRequiredService<NodeSelf>(),
            NodeTls.Load(options)?.ForClient(),
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<NodeDoor>();
        services.AddSingleton<ReplicaHash>();
        services.AddSingleton<INodeServer, ReplicaDoor>();
    }

    public static void MapNode(this WebApplication app, ServerOptions options)
    {
        var door = app.Services.GetRequiredService<NodeDoor>();
        if (!options.IsWorker)
        {
            app.Lifetime.ApplicationStopping.Register(door.Close); // A worker closes it when its rooms are given away.
        }

        app.MapGet(NodeDoor.Path, (RequestDelegate)door.HandleAsync).OnNodePort();
    }

    /// <summary>Refuses what a start would refuse of the secret, and makes none.</summary>
    /// <exception cref="StartRefusedException">It is missing, is none, or others may read it.</exception>
    public static void CheckSecret(ServerOptions options)
    {
        if (options.ClusterSecret is not null || File.Exists(SecretPath(options)) || !MayMakeSecret(options))
        {
            Secret(options);
        }
    }

    /// <summary>A coordinator alone makes the secret at the first start; a worker, and coordinators that share a log, are given it.</summary>
    /// <exception cref="ConfigurationException">A worker is given a file that is not there.</exception>
    private static ClusterSecret Secret(ServerOptions options)
    {
        if (options.ClusterSecret is { } given)
        {
            return ClusterSecret.Parse(given, "the cluster secret given");
        }

        var path = SecretPath(options);
        return options.IsCoordinator || File.Exists(path)
            ? ClusterSecret.LoadOrCreate(path, MayMakeSecret(options))
            : throw new ConfigurationException($"--cluster-secret-file {path}", "there is no such file", "copy the coordinator's DATA/cluster-secret there (mode 0600), or name the file where it is");
    }

    private static bool MayMakeSecret(ServerOptions options) => options.IsCoordinator && !options.SharesLog && !File.Exists(options.LogPath);

    /// <summary>Where the secret is looked for that is not given as such.</summary>
    public static string SecretPath(ServerOptions options) => options.ClusterSecretFile ?? Path.Combine(options.Data, SecretFile);

    /// <summary>The secret of a cluster that is there: none is made.</summary>
    /// <exception cref="ConfigurationException">None is given.</exception>
    /// <exception cref="StartRefusedException">It is none, or others may read it.</exception>
    public static ClusterSecret ExistingSecret(ServerOptions options)
    {
        var path = SecretPath(options);
        return options.ClusterSecret is null && !File.Exists(path)
            ? throw new ConfigurationException("--cluster-secret-file", $"snapshots and backups are sealed under the cluster secret, and '{path}' is not there", "name a copy of the cluster's secret (mode 0600) with --cluster-secret-file FILE")
            : options.ClusterSecret is { } given ? ClusterSecret.Parse(given, "the cluster secret given") : ClusterSecret.LoadOrCreate(path, mayCreate: false);
    }
}
