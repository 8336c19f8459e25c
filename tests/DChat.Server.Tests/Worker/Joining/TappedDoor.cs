using System.Collections.Concurrent;
using System.Text;
using DChat.Core.Registry;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace DChat.Server.Tests.Worker.Joining;

/// <summary>A coordinator's door for workers, through which the test tells them what a newer one would.</summary>
internal sealed class TappedDoor(INodeServer door) : INodeServer
{
    private readonly ConcurrentQueue<NodeLink> _links = new();

    public string Service => door.Service;

    /// <summary>Links that were ever used.</summary>
    public int Links => _links.Count;

    /// <summary>Takes the place of a coordinator's own.</summary>
    public static void Install(IServiceCollection services)
    {
        services.Remove(services.Single(service => service.ImplementationType == typeof(RegistryDoor)));
        services.AddSingleton(provider => new TappedDoor(new RegistryDoor(provider)));
        services.AddSingleton<INodeServer>(provider => provider.GetRequiredService<TappedDoor>());
    }

    public string? Refuse(NodeHello peer) => door.Refuse(peer);

    public INodeService Accept(NodeHello peer) => new Tap(door.Accept(peer), _links);

    /// <summary>Tells whoever is linked the next entry, which is of a newer program.</summary>
    public void TellNewer(long index)
    {
        var entry = Encoding.UTF8.GetBytes($$"""{"version":{{RegistryEntryCodec.Version + 1}}}""");
        foreach (var link in _links)
        {
            link.Post(RegistryMethods.Entry, new PayloadWriter().Number(index).Bytes(entry).Written);
        }
    }

    private sealed class Tap(INodeService service, ConcurrentQueue<NodeLink> links) : INodeService
    {
        private bool _isKnown;

        public ValueTask ReceivedAsync(NodeLink link, NodeMessage message)
        {
            if (!_isKnown)
            {
                _isKnown = true;
                links.Enqueue(link);
            }

            return service.ReceivedAsync(link, message);
        }

        public void Ended(NodeLink link, string why) => service.Ended(link, why);
    }
}
