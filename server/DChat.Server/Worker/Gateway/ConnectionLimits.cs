using System.Collections.Concurrent;
using System.Net;
using DChat.Server.Cli;

namespace DChat.Server.Worker.Gateway;

/// <summary>Counts the open connections, of each address and in all.</summary>
internal sealed class ConnectionLimits(LimitsOptions limits)
{
    private readonly ConcurrentDictionary<IPAddress, int> byAddress = new();
    private int total;

    /// <summary>A place for one connection, given back when disposed; null where there is none.</summary>
    public IDisposable? TryTake(IPAddress? address)
    {
        address ??= IPAddress.None;
        if (Interlocked.Increment(ref total) > limits.Connections && limits.Connections != 0)
        {
            Interlocked.Decrement(ref total);
            return null;
        }

        var count = byAddress.AddOrUpdate(address, 1, static (_, count) => count + 1);
        var place = new Place(this, address);
        if (limits.ConnectionsPerAddress == 0 || count <= limits.ConnectionsPerAddress)
        {
            return place;
        }

        place.Dispose();
        return null;
    }

    private void Release(IPAddress address)
    {
        Interlocked.Decrement(ref total);
        if (byAddress.AddOrUpdate(address, 0, static (_, count) => count - 1) == 0)
        {
            byAddress.TryRemove(KeyValuePair.Create(address, 0));
        }
    }

    private sealed class Place(ConnectionLimits limits, IPAddress address) : IDisposable
    {
        private int released;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref released, 1) == 0)
            {
                limits.Release(address);
            }
        }
    }
}
