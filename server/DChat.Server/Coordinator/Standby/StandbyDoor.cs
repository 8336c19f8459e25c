using DChat.Server.Nodes;

namespace DChat.Server.Coordinator.Standby;

/// <summary>Where standbys come in at the leader.</summary>
internal sealed class StandbyDoor(CoordinatorService coordinator, IServiceProvider services) : INodeServer
{
    public string Service => NodeServices.Standby;

    public string? Refuse(NodeHello peer) => coordinator.IsLeader ? null : $"the coordinator at {coordinator.Advertise} does not lead";

    public INodeService Accept(NodeHello peer) => ActivatorUtilities.CreateInstance<StandbySession>(services);
}
