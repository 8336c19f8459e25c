using System.Globalization;
using System.Net;
using System.Net.Sockets;
using DChat.Server.EtcdMembers;
using DChat.Storage.Etcd;

namespace DChat.Server.Cli;

/// <summary>What must be right about a coordinator's own etcd: in the configuration, and around the process.</summary>
internal static class MemberChecks
{
    private static readonly string[] OfMembers = ["node", "etcdProgram", "etcdPort", "etcdHeartbeatMs", "etcdElectionMs", "etcdLeaseSeconds", "etcdQuotaMb"];

    /// <summary>What no single value shows.</summary>
    public static void Check(ServerOptions options, IEnumerable<(Setting Setting, string Origin)> given, List<ConfigurationError> errors)
    {
        if (options.Peers is not { } peers)
        {
            if (given.Any(value => value.Setting.Key == "peers"))
            {
                return; // It is there and wrong, and said to be.
            }

            errors.AddRange(given.Where(value => OfMembers.Contains(value.Setting.Key) && !errors.Exists(error => error.Where.StartsWith(value.Setting.Flag + " ", StringComparison.Ordinal))).ToList().Select(value => new ConfigurationError(
                $"{value.Setting.Flag} (from {value.Origin})", "it is for a coordinator that runs its own etcd, and --peers is not given", "give --peers c1=HOST,c2=HOST,c3=HOST, or leave it out")));
            return;
        }

        if (!options.IsCoordinator)
        {
            errors.Add(new ConfigurationError("--peers", "it is for coordinators, and the mode is worker", "leave it out; workers are told where the coordinators are by --coordinators"));
        }

        if (options.Log is { } log)
        {
            errors.Add(new ConfigurationError($"--log {log}", "with --peers the log is in the coordinators' own etcd", "leave --log out, or --node and --peers where there is an etcd already"));
        }

        if (options.Node is null)
        {
            errors.Add(new ConfigurationError("--node", "which of --peers this coordinator is, is not said", $"give --node {string.Join(" or ", peers.All.Select(peer => peer.Name))}"));
        }
        else if (peers.Find(options.Node) is not { } self)
        {
            errors.Add(new ConfigurationError($"--node {options.Node}", $"it is not in --peers {peers}", $"give one of {string.Join(", ", peers.All.Select(peer => peer.Name))}, or add {options.Node}=HOST to --peers, of all coordinators"));
        }
        else if (options.EtcdPort != 0 && options.EtcdPort == self.Port)
        {
            errors.Add(new ConfigurationError($"--etcd-port {options.EtcdPort}", $"it is the port for other members already ({self})", "give another one, or leave it out for a free one"));
        }

        if (options.EtcdLeaseSeconds * 1000 < options.EtcdElectionMs * ServerOptions.LeaseRatioMin)
        {
            var least = (int)Math.Ceiling(options.EtcdElectionMs * ServerOptions.LeaseRatioMin / 1000);
            var longest = (int)(options.EtcdLeaseSeconds * 1000 / ServerOptions.LeaseRatioMin);
            errors.Add(new ConfigurationError(
                $"--etcd-lease-seconds {options.EtcdLeaseSeconds}",
                string.Create(CultureInfo.InvariantCulture, $"it is less than {ServerOptions.LeaseRatioMin} times --etcd-election-ms, {options.EtcdElectionMs}: etcd would raise it"),
                $"give {(least <= EtcdUrl.LeaseSecondsMax ? $"{least} or more, or " : "")}--etcd-election-ms {longest} or less"));
        }

        if (options.EtcdElectionMs < options.EtcdHeartbeatMs * ServerOptions.ElectionRatioMin)
        {
            errors.Add(new ConfigurationError(
                $"--etcd-election-ms {options.EtcdElectionMs}", $"it is less than {ServerOptions.ElectionRatioMin} times --etcd-heartbeat-ms, {options.EtcdHeartbeatMs}: one late sign of life would end a leadership", $"give {options.EtcdHeartbeatMs * ServerOptions.ElectionRatioMin} or more; {options.EtcdHeartbeatMs * 10} is usual"));
        }
    }

    /// <summary>
    /// The same before a member is begun by a restore, and its address for other members too: a start waits for that one, since the etcd of a
    /// coordinator that was killed may have it for a moment; a restore would fail there at its last step.
    /// </summary>
    /// <exception cref="ConfigurationException">Names flag, value and remedy.</exception>
    public static void PreflightOfRestore(ServerOptions options)
    {
        var self = options.Peers!.Find(options.Node!)!;
        var listen = MemberOptions.ListenAddress(options, self);
        if (Cli.Preflight.Listening(listen.Equals(IPAddress.IPv6Any) ? "*" : listen.ToString(), self.Port) is { } error)
        {
            throw error switch
            {
                SocketError.AddressAlreadyInUse => new ConfigurationException($"--peers {self}", $"the port is in use on {listen}", $"stop what listens there, or give {self.Name} another port in --peers"),
                SocketError.AddressNotAvailable => new ConfigurationException($"--peers {self}", $"this machine has no address {listen}", $"restore on the machine of {self.Name}, or give {self.Name} an address of this machine in --peers"),
                _ => new ConfigurationException($"--peers {self}", $"can not listen there: {error}", $"give {self.Name} another address or port in --peers"),
            };
        }

        CheckProgram(options);
    }

    /// <summary>The program is there, its ports are free, and the data is this member's.</summary>
    /// <exception cref="ConfigurationException">Names flag, value and remedy.</exception>
    /// <exception cref="Coordinator.StartRefusedException">The data is another's, or was lost.</exception>
    public static void Preflight(ServerOptions options)
    {
        MemberService.Look(MemberOptions.Of(options));
        CheckProgram(options);
    }

    private static void CheckProgram(ServerOptions options)
    {
        EtcdProgram.CheckVersion(EtcdProgram.Find(options.EtcdProgram));
        if (options.EtcdPort != 0)
        {
            Cli.Preflight.CheckPort("--etcd-port", "127.0.0.1", "--etcd-port", options.EtcdPort);
        }
    }
}
