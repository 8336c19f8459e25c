using System.Diagnostics;
using System.Globalization;

namespace DChat.TestKit;

/// <summary>
/// Hosts of their own on this machine: network namespaces, each with an address, on one switch, to which this machine belongs too. What
/// passes between them can be cut (<see cref="TestHost"/>). Needs Linux, root, iproute2 and iptables, and says so where one of them is missing.
/// </summary>
public sealed class HostNetwork : IAsyncDisposable
{
    /// <summary>Networks that may exist on this machine at once; each has a third byte of the address of its own.</summary>
    private const int NetworksMax = 256;

    private readonly int _number;
    private readonly List<TestHost> _hosts = [];
    private readonly SemaphoreSlim _adding = new(1);

    private HostNetwork(int number) => _number = number;

    /// <summary>This machine's address, from which clients and tests connect.</summary>
    public string Address => AddressOf(1);

    public IReadOnlyList<TestHost> Hosts => _hosts;

    private string Switch => Name("switch");

    /// <summary>This machine's end of its wire to the switch. Whoever made it has the number.</summary>
    private string Wire => string.Create(CultureInfo.InvariantCulture, $"dchat-t{_number}");

    /// <exception cref="InvalidOperationException">This machine cannot have such hosts; the message says what is missing.</exception>
    public static async Task<HostNetwork> MakeAsync()
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
        {
            throw new InvalidOperationException("hosts in network namespaces need Linux and root: run this test as root");
        }

        var network = await ClaimAsync();
        try
        {
            // A bridge in a namespace of its own: no firewall of this machine looks at what passes.
            await network.IpAsync("-n", network.Switch, "link", "add", "switch", "type", "bridge");
            await network.IpAsync("-n", network.Switch, "link", "set", "switch", "up");
            await network.IpAsync("-n", network.Switch, "link", "set", "to-test", "master", "switch", "up");
            await network.IpAsync("address", "add", network.Address + "/24", "dev", network.Wire);
            await network.IpAsync("link", "set", network.Wire, "up");
            return network;
        }
        catch
        {
            await network.DisposeAsync();
            throw;
        }
    }

    /// <summary>A further host with an address of its own, whole from the start.</summary>
    public async Task<TestHost> AddHostAsync(string name)
    {
        await _adding.WaitAsync();
        try
        {
            return await MakeHostAsync(name);
        }
        finally
        {
            _adding.Release();
        }
    }

    private async Task<TestHost> MakeHostAsync(string name)
    {
        var host = new TestHost(Name(name), AddressOf(_hosts.Count + 2));
        var wire = string.Create(CultureInfo.InvariantCulture, $"to-{_hosts.Count + 2}");
        await IpAsync("netns", "add", host.Namespace);
        _hosts.Add(host);
        await IpAsync("-n", Switch, "link", "add", wire, "type", "veth", "peer", "name", "eth0", "netns", host.Namespace);
        await IpAsync("-n", Switch, "link", "set", wire, "master", "switch", "up");
        await IpAsync("-n", host.Namespace, "link", "set", "lo", "up");
        await IpAsync("-n", host.Namespace, "address", "add", host.Address + "/24", "dev", "eth0");
        await IpAsync("-n", host.Namespace, "link", "set", "eth0", "up");
        return host;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts)
        {
            await IpAsync("netns", "delete", host.Namespace);
        }

        await IpAsync("link", "delete", Wire); // Its other end goes with it, before the name is free again.
        await IpAsync("netns", "delete", Switch);
        _adding.Dispose();
    }

    /// <exception cref="InvalidOperationException">It is not installed, or it failed; the message says what it said.</exception>
    internal static async Task RunAsync(string program, params string[] arguments)
    {
        Process process;
        try
        {
            process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            throw new InvalidOperationException($"{program} is not installed: make deps", missing);
        }

        using (process)
        {
            var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await process.WaitForExitAsync().Within();
            if (process.ExitCode != 0)
            {
                throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} failed: {await errors}{await output}");
            }
        }
    }

    private static async Task<HostNetwork> ClaimAsync()
    {
        for (var attempt = 0; attempt < NetworksMax; attempt++)
        {
            var network = new HostNetwork((Environment.ProcessId + attempt) % NetworksMax);
            try
            {
                await RunAsync("ip", "netns", "add", network.Switch);
            }
            catch (InvalidOperationException failure) when (failure.Message.Contains("File exists", StringComparison.Ordinal))
            {
                continue; // Another test's, or left by one that was killed.
            }

            try
            {
                await RunAsync("ip", "link", "add", network.Wire, "type", "veth", "peer", "name", "to-test", "netns", network.Switch);
                return network;
            }
            catch
            {
                await RunAsync("ip", "netns", "delete", network.Switch);
                throw;
            }
        }

        throw new InvalidOperationException($"{NetworksMax} networks of tests are there already; remove those of tests that were killed: ip netns list");
    }

    private Task IpAsync(params string[] arguments) => RunAsync("ip", arguments);

    private string Name(string what) => string.Create(CultureInfo.InvariantCulture, $"dchat-test-{_number}-{what}");

    private string AddressOf(int host) => string.Create(CultureInfo.InvariantCulture, $"10.213.{_number}.{host}");
}
