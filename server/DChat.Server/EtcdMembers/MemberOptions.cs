using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Storage.Etcd;
using DChat.Storage.Files;

namespace DChat.Server.EtcdMembers;

/// <summary>How this coordinator's own etcd member works, and where its things are.</summary>
internal sealed record MemberOptions
{
    /// <summary>The coordinators that begin the cluster together.</summary>
    public required PeerList Peers { get; init; }

    /// <summary>This one.</summary>
    public required Peer Self { get; init; }

    /// <summary>Of everything that follows, <c>DATA/etcd</c>: etcd's data in <c>data</c>, certificates in <c>tls</c>, the note beside them.</summary>
    public required string Folder { get; init; }

    /// <summary>The program's path.</summary>
    public required string Program { get; init; }

    /// <summary>The address at which other members come in.</summary>
    public required IPAddress Listen { get; init; }

    /// <summary>Of the loopback, for this coordinator alone.</summary>
    public required int ClientPort { get; init; }

    /// <summary>Milliseconds between signs of life of etcd's leader.</summary>
    public required int HeartbeatMs { get; init; }

    /// <summary>Milliseconds after which a silent leader of etcd is followed by another.</summary>
    public required int ElectionMs { get; init; }

    /// <summary>Seconds after which a coordinator that leads and is not heard loses its leadership.</summary>
    public required int LeaseSeconds { get; init; }

    /// <summary>Mebibytes that etcd's database may have; beyond, it takes no writes.</summary>
    public required int QuotaMb { get; init; }

    public string Data => Path.Combine(Folder, "data");

    public string NotePath => Path.Combine(Folder, "member.json");

    /// <summary>There from the beginning of a restore into this member to its end.</summary>
    public string RestoringPath => Path.Combine(Folder, "restoring");

    /// <summary>Says at which port the member that runs here has its log, to verbs that are run beside it.</summary>
    public string ClientPortPath => Path.Combine(Folder, "client-port");

    public string AuthorityPath => Path.Combine(Folder, "tls", "ca.pem");

    public string CertificatePath => Path.Combine(Folder, "tls", "member.pem");

    public string KeyPath => Path.Combine(Folder, "tls", "member.key");

    /// <summary>Whether etcd has begun to write here.</summary>
    public bool HasData => Directory.Exists(Path.Combine(Data, "member", "wal"));

    public string ClientUrl => string.Create(CultureInfo.InvariantCulture, $"https://127.0.0.1:{ClientPort}");

    /// <summary>The log in it.</summary>
    public EtcdUrl LogUrl => EtcdUrl.Parse(string.Create(
        CultureInfo.InvariantCulture,
        $"{EtcdUrl.Scheme}127.0.0.1:{ClientPort}?ca={Uri.EscapeDataString(AuthorityPath)}&cert={Uri.EscapeDataString(CertificatePath)}&key={Uri.EscapeDataString(KeyPath)}&lease={LeaseSeconds}"));

    public static MemberOptions Of(ServerOptions options)
    {
        var self = options.Peers!.Find(options.Node!)!;
        return new MemberOptions
        {
            Peers = options.Peers,
            Self = self,
            Folder = Path.GetFullPath(Path.Combine(options.Data, "etcd")),
            Program = EtcdProgram.Find(options.EtcdProgram),
            Listen = ListenAddress(options, self),
            ClientPort = options.EtcdPort == 0 ? LoopbackPort.Free(self.Port, options.Port, options.EffectiveNodePort) : options.EtcdPort,
            HeartbeatMs = options.EtcdHeartbeatMs,
            ElectionMs = options.EtcdElectionMs,
            LeaseSeconds = options.EtcdLeaseSeconds,
            QuotaMb = options.EtcdQuotaMb,
        };
    }

    /// <summary>The address in <c>--peers</c>; every one where that is a name, or with <c>--node-host '*'</c>: who gets in is a matter of certificates.</summary>
    public static IPAddress ListenAddress(ServerOptions options, Peer self) => options.NodeHost == "*" || (self.Ip is null && !self.IsLoopback)
        ? Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any
        : self.Ip ?? IPAddress.Loopback;

    /// <summary>Signs this start's certificate and writes it, for its owner only.</summary>
    /// <exception cref="StartRefusedException">They cannot be written.</exception>
    public void WriteCertificates(ClusterSecret secret)
    {
        using var authority = new MemberAuthority(secret);
        var own = NetworkInterface.GetAllNetworkInterfaces().SelectMany(card => card.GetIPProperties().UnicastAddresses).Select(address => address.Address).Where(address => !address.IsIPv6LinkLocal);
        IEnumerable<IPAddress> addresses = [IPAddress.Loopback, IPAddress.IPv6Loopback, .. own, .. Self.Ip is { } ip ? new[] { ip } : []];
        var (certificate, key) = authority.Issue(Self.Name, addresses.Distinct(), Self.Ip is null ? ["localhost", Self.Host] : ["localhost"]);
        try
        {
            MakeFolder();
            MakeFolder(Path.GetDirectoryName(AuthorityPath)!);
            PrivateFile.Write(AuthorityPath, System.Text.Encoding.ASCII.GetBytes(authority.Pem));
            PrivateFile.Write(KeyPath, System.Text.Encoding.ASCII.GetBytes(key));
            PrivateFile.Write(CertificatePath, System.Text.Encoding.ASCII.GetBytes(certificate));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new StartRefusedException($"the certificates of this coordinator's etcd cannot be written: {failure.Message}", failure);
        }
    }

    /// <summary>Makes <see cref="Folder"/>, for the owner only.</summary>
    public void MakeFolder() => MakeFolder(Folder);

    private static void MakeFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}
