using System.Globalization;

namespace DChat.TestKit;

/// <summary>Which way is cut, seen from the host.</summary>
public enum Way
{
    Both,

    /// <summary>The host hears nothing and is heard.</summary>
    In,

    /// <summary>The host is not heard and hears.</summary>
    Out,
}

/// <summary>One host of a <see cref="HostNetwork"/>: programs run on it, and what passes to and from it can be cut.</summary>
public sealed class TestHost(string @namespace, string address)
{
    public string Namespace => @namespace;

    public string Address => address;

    /// <summary>The command line that runs a program on this host, under the same process id.</summary>
    public string[] Command(string program, IEnumerable<string> arguments) => ["ip", "netns", "exec", @namespace, program, .. arguments];

    /// <summary>From now on packets between this host and the addresses are lost, and nobody is told.</summary>
    public async Task CutAsync(IEnumerable<string> addresses, Way way = Way.Both)
    {
        var list = string.Join(',', addresses);
        if (way != Way.Out)
        {
            await FilterAsync("-A", "INPUT", "-s", list, "-j", "DROP");
        }

        if (way != Way.In)
        {
            await FilterAsync("-A", "OUTPUT", "-d", list, "-j", "DROP");
        }
    }

    /// <summary>From now on connections between this host and the addresses are reset, old ones with their next packet, new ones at once.</summary>
    public async Task RefuseAsync(IEnumerable<string> addresses)
    {
        var list = string.Join(',', addresses);
        await FilterAsync("-A", "INPUT", "-s", list, "-p", "tcp", "-j", "REJECT", "--reject-with", "tcp-reset");
        await FilterAsync("-A", "OUTPUT", "-d", list, "-p", "tcp", "-j", "REJECT", "--reject-with", "tcp-reset");
    }

    /// <summary>What comes for a port of this host reaches whoever listens there at its loopback's address, and nowhere else.</summary>
    public async Task OpenLoopbackAsync(int port)
    {
        await RunAsync("sysctl", "-q", "-w", "net.ipv4.conf.all.route_localnet=1");
        await RunAsync("iptables", "-w", "-t", "nat", "-A", "PREROUTING", "-p", "tcp", "--dport", port.ToString(CultureInfo.InvariantCulture), "-j", "DNAT", "--to-destination", "127.0.0.1");
    }

    /// <summary>Everything passes again.</summary>
    public Task HealAsync() => FilterAsync("-F");

    /// <summary>Resets all TCP connections that this host has with the addresses, once.</summary>
    public async Task ResetConnectionsAsync(IEnumerable<string> addresses)
    {
        foreach (var other in addresses)
        {
            await RunAsync("ss", "-K", "-t", "dst", other);
        }
    }

    private Task FilterAsync(params string[] rule) => RunAsync("iptables", ["-w", .. rule]);

    private Task RunAsync(string program, params string[] arguments)
    {
        var command = Command(program, arguments);
        return HostNetwork.RunAsync(command[0], command[1..]);
    }
}
