using DChat.Server.Coordinator;
using DChat.Server.Nodes;
using DChat.Server.Worker.Joining;
using RoomHost = DChat.Server.Worker.Host.RoomHost;

namespace DChat.Server.Worker.Peers;

/// <summary>Where the gateways of other workers come in at this host.</summary>
internal sealed class PeerDoor(RoomHost host, StoreReads reads, RegistryReplica replica, MissedEntries missed, GatewayFlows flows, IClusterMembership membership, ILogger<PeerSession> log) : INodeServer
{
    public string Service => NodeServices.Peer;

    public string? Refuse(NodeHello peer) => null;

    public INodeService Accept(NodeHello peer) => new PeerSession(host, reads, replica, missed, flows, membership, log);
}
