using DChat.Server.Cli;
using DChat.Server.Nodes;
using DChat.Server.Worker.Hub;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace DChat.Server.Http;

/// <summary>
/// The two doors: one for clients, one for nodes and operators. An endpoint is served at the clients' door unless it says
/// <see cref="OnNodePort"/>; at the other door it does not exist.
/// </summary>
internal static class Listeners
{
    /// <summary>Marks a connection that came in by the node port.</summary>
    private sealed class NodeConnection
    {
        public static readonly NodeConnection Instance = new();
    }

    /// <summary>Marks an endpoint that is served on the node port only.</summary>
    private sealed class NodeEndpoint
    {
        public static readonly NodeEndpoint Instance = new();
    }

    /// <summary>Marks a connection that came in where only metrics are.</summary>
    private sealed class MetricsConnection
    {
        public static readonly MetricsConnection Instance = new();
    }

    /// <summary>Marks the endpoint of the metrics.</summary>
    private sealed class MetricsEndpoint
    {
        public static readonly MetricsEndpoint Instance = new();
    }

    /// <summary>The most that a client may take to send its headers, in seconds.</summary>
    private const int HeadersSecondsMax = 15;

    public static void AddListeners(this WebApplicationBuilder builder, ServerOptions options)
    {
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = options.Limits.Connections == 0 ? null : options.Limits.Connections;
            kestrel.Limits.MaxRequestBodySize = options.Limits.HttpBodyBytes;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(HeadersSecondsMax);
            if (options.IsWorker)
            {
                kestrel.Listen(Preflight.Address(options.Host), options.Port, listen => listen.Use(next =>
                {
                    var door = new Lazy<HubDoor>(listen.ApplicationServices.GetRequiredService<HubDoor>);
                    return connection => door.Value.HandleAsync(connection, next);
                }));
            }

            if (options.Metrics is { } metrics)
            {
                var (host, port) = Preflight.Listener(metrics);
                kestrel.Listen(Preflight.Address(host), port, listen => listen.Use(next => connection =>
                {
                    connection.Features.Set(MetricsConnection.Instance);
                    return next(connection);
                }));
            }

            var tls = NodeTls.Load(options); // The node port stays last: see NodeUrl.
            kestrel.Listen(Preflight.Address(options.NodeHost), options.EffectiveNodePort, listen =>
            {
                var door = new Lazy<NodeDoor>(listen.ApplicationServices.GetRequiredService<NodeDoor>);
                if (tls is not null)
                {
                    listen.UseTlsOnly(tls, (from, why) => door.Value.SayRefused(from, null, why));
                }
                else
                {
                    listen.UseNoTls((from, why) => door.Value.SayRefused(from, null, why));
                }

                listen.Use(next => connection =>
                {
                    connection.Features.Set(NodeConnection.Instance);
                    return next(connection);
                });
            });
        });
    }

    /// <summary>After routing: hides each door's endpoints from the other.</summary>
    public static void UseListeners(this WebApplication app) => app.Use((context, next) =>
    {
        if (context.GetEndpoint() is { } endpoint && !IsServed(app.Services.GetRequiredService<ServerOptions>(), endpoint, context))
        {
            context.SetEndpoint(null);
        }

        return next(context);
    });

    /// <summary>Serves the endpoint where metrics are: at an address of their own, or on the node port.</summary>
    public static void AsMetrics(this IEndpointConventionBuilder endpoint) => endpoint.Add(builder => builder.Metadata.Add(MetricsEndpoint.Instance));

    /// <summary>Serves the endpoint on the node port, and nowhere else.</summary>
    public static T OnNodePort<T>(this T endpoint)
        where T : IEndpointConventionBuilder
    {
        endpoint.Add(builder => builder.Metadata.Add(NodeEndpoint.Instance));
        return endpoint;
    }

    /// <summary>The address of the clients' door with its real port; of a started server.</summary>
    public static string ClientUrl(IHost app) => Addresses(app).First();

    /// <summary>The address of the nodes' door with its real port; of a started server.</summary>
    public static string NodeUrl(IHost app) => Addresses(app).Last();

    private static bool IsServed(ServerOptions options, Endpoint endpoint, HttpContext context)
    {
        var isHere = context.Features.Get<MetricsConnection>() is not null;
        return endpoint.Metadata.GetMetadata<MetricsEndpoint>() is not null
            ? options.Metrics is null ? IsFromNode(context) : isHere
            : !isHere && IsForNodes(endpoint) == IsFromNode(context);
    }

    private static bool IsForNodes(Endpoint endpoint) => endpoint.Metadata.GetMetadata<NodeEndpoint>() is not null;

    private static bool IsFromNode(HttpContext context) => context.Features.Get<NodeConnection>() is not null;

    private static ICollection<string> Addresses(IHost app) =>
        app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
}
