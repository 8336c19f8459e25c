using DChat.Server.Nodes;

namespace DChat.Server.Worker.Peers;

/// <summary>What lets a worker's clients use rooms that other workers host, and theirs the rooms hosted here.</summary>
internal static class PeersSetup
{
    public static void AddPeers(this IServiceCollection services)
    {
        services.AddSingleton<MissedEntries>();
        services.AddSingleton<PeerPorts>();
        services.AddSingleton<RoomRoutes>();
        services.AddSingleton<StoreReads>();
        services.AddSingleton<GatewayFlows>();
        services.AddSingleton<INodeServer, PeerDoor>();
    }
}
