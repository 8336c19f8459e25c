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

            var tls = NodeTls.Load(options);
            kestrel.Listen(Preflight.Address(options.NodeHost), options.EffectiveNodePort, listen =>
            {
                if (tls is not null)
                {
                    listen.UseHttps(tls.ForServer);
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
        if (context.GetEndpoint() is { } endpoint && IsForNodes(endpoint) != IsFromNode(context))
        {
            context.SetEndpoint(null);
        }

        return next(context);
    });

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

    private static bool IsForNodes(Endpoint endpoint) => endpoint.Metadata.GetMetadata<NodeEndpoint>() is not null;

    private static bool IsFromNode(HttpContext context) => context.Features.Get<NodeConnection>() is not null;

    private static ICollection<string> Addresses(IHost app) =>
        app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
}
