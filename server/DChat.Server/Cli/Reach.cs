using DChat.Server.Nodes;
using DChat.Server.Worker.Joining;

namespace DChat.Server.Cli;

/// <summary>Whether other nodes can reach this one where it says that it is.</summary>
internal static class Reach
{
    /// <summary>Who is on other machines and would be told an address that means theirs; null: nobody. An address that was given is taken at its word.</summary>
    public static string? OfUnreached(ServerOptions options)
    {
        if (options.Advertise is not null || options.Mode == ServerMode.All || !LoopbackHost.Is(options.EffectiveAdvertise[..options.EffectiveAdvertise.LastIndexOf(':')].Trim('[', ']')))
        {
            return null;
        }

        return options switch
        {
            { Peers: { } peers } when peers.All.Any(peer => !peer.IsLoopback) => "the other --peers",
            { Mode: ServerMode.Coordinator, Log.Etcd: { } etcd } when etcd.Endpoints.Any(endpoint => !endpoint.IsLoopback) => "workers and other coordinators",
            { Mode: ServerMode.Worker, Coordinators.Length: > 0 } when !new CoordinatorAddresses(options.Coordinators).AreAllHere => "coordinators and other workers",
            _ => null,
        };
    }
}
