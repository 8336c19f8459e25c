using DChat.Server.Nodes;

namespace DChat.Server.Coordinator.Workers;

/// <summary>Where workers come in at a coordinator.</summary>
internal sealed class RegistryDoor(IServiceProvider services) : INodeServer
{
    public string Service => NodeServices.Registry;

    public string? Refuse(NodeHello peer) => null;

    public INodeService Accept(NodeHello peer) => ActivatorUtilities.CreateInstance<WorkerSession>(services);
}
