using DChat.Server.Coordinator.Workers;
using DChat.Server.EtcdMembers;
using DChat.Server.Nodes;
using DChat.Storage.Etcd;
using DChat.Storage.Postgres;
using DChat.Storage.S3;

namespace DChat.Server.Cli;

/// <summary>
/// Everything that is configured: command-line flags beat environment variables (<c>DCHAT__PORT</c>) beat the
/// <c>--config</c> file. <see cref="Settings"/> says how each is called, checked and explained.
/// </summary>
public sealed record ServerOptions
{
    private readonly string? _nodeHost;

    /// <summary>Which parts run in this process. Default: all of them.</summary>
    public ServerMode Mode { get; init; } = ServerMode.All;

    /// <summary>The folder of everything that is kept, and of the secrets made at the first start. Default: <c>./dchat-data</c>.</summary>
    public string Data { get; init; } = "./dchat-data";

    /// <summary>The IP address on which clients are served. Default: this machine only; <c>*</c>: every address.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>The port for clients, 0 to 65,535; 0: a free one. Default: 8080.</summary>
    public int Port { get; init; } = 8080;

    /// <summary>
    /// The IP address on which nodes (and whoever reads the metrics) are served. Default: this machine only; with <see cref="Peers"/>, the address that
    /// is there for <see cref="Node"/>, or every one where that is a name.
    /// </summary>
    public string NodeHost { get => _nodeHost ?? (Self is not { IsLoopback: false } self ? LoopbackHost.Default : self.Ip?.ToString() ?? "*"); init => _nodeHost = value; }

    /// <summary>The port for nodes; 0: a free one. Null, the default: <see cref="Port"/> + 1, or a free one where that is 0.</summary>
    public int? NodePort { get; init; }

    /// <summary>The IP address and port on which <c>/metrics</c> is served by plain HTTP; <c>*</c> for every address. Null, the default: on the node port.</summary>
    public string? Metrics { get; init; }

    /// <summary>The control log's engine. Null, the default: <c>sqlite:DATA/control.db</c>.</summary>
    public EngineUrl? Log { get; init; }

    /// <summary>Of a coordinator: its name in <see cref="Peers"/>. Null, the default: it runs no etcd member of its own.</summary>
    public string? Node { get; init; }

    /// <summary>The coordinators that run an etcd member each, this one among them. Null, the default: none does.</summary>
    public PeerList? Peers { get; init; }

    /// <summary>With <see cref="Peers"/>: the etcd program, a path or a name on the PATH. Default: <c>etcd</c>.</summary>
    public string EtcdProgram { get; init; } = "etcd";

    /// <summary>With <see cref="Peers"/>: the port of the loopback by which this coordinator uses its member; 0, the default: a free one.</summary>
    public int EtcdPort { get; init; }

    /// <summary>With <see cref="Peers"/>: milliseconds between signs of life of etcd's leader, 5 to 10,000. Default: 50.</summary>
    public int EtcdHeartbeatMs { get; init; } = 50;

    /// <summary>With <see cref="Peers"/>: a leader of etcd that is silent for so long is followed by another, in milliseconds, 50 to 50,000, at
    /// least <see cref="ElectionRatioMin"/> times the heartbeat. Default: 500.</summary>
    public int EtcdElectionMs { get; init; } = 500;

    /// <summary>With <see cref="Peers"/>: seconds after which a coordinator that leads and is not heard loses its leadership, 1 to 60, at least
    /// <see cref="LeaseRatioMin"/> times <see cref="EtcdElectionMs"/>. Default: 3.</summary>
    public int EtcdLeaseSeconds { get; init; } = EtcdUrl.DefaultLeaseSeconds;

    /// <summary>With <see cref="Peers"/>: what etcd's database may take on disk, in MiB, 64 to 102,400. Default: 8,192, the most that etcd advises.</summary>
    public int EtcdQuotaMb { get; init; } = 8_192;

    public const int EtcdQuotaMbMin = 64;

    public const int EtcdQuotaMbMax = 102_400;

    /// <summary>etcd refuses less: some signs of life are always late.</summary>
    public const int ElectionRatioMin = 5;

    /// <summary>etcd makes a shorter lease as long: its next leader is to hear of a renewal before it ends.</summary>
    public const double LeaseRatioMin = 1.5;

    /// <summary>The message store's engine. Null, the default: <c>sqlite:DATA/messages.db</c>; with <c>--mode worker</c>: none, and no rooms are hosted.</summary>
    public EngineUrl? Store { get; init; }

    /// <summary>The blob store's engine. Null, the default: <c>file:DATA/blobs</c>.</summary>
    public EngineUrl? Blobs { get; init; }

    /// <summary>Who may register. Default: everybody.</summary>
    public RegistrationMode Registration { get; init; } = RegistrationMode.Open;

    /// <summary>The secret by which nodes prove themselves and keys are wrapped. Null, the default: <c>DATA/cluster-secret</c>, made at the first start.</summary>
    public string? ClusterSecret { get; init; }

    /// <summary>A file that holds the cluster secret, 32 bytes in base64, readable for its owner only. Null, the default: <c>DATA/cluster-secret</c>.</summary>
    public string? ClusterSecretFile { get; init; }

    /// <summary>Of a worker: where the coordinators' node ports are, as <c>host:port</c> or <c>dns:name:port</c>, with commas between. Default: none.</summary>
    public string Coordinators { get; init; } = "";

    /// <summary>Where other nodes reach this one, as <c>host:port</c>. Null, the default: the node address and port.</summary>
    public string? Advertise { get; init; }

    /// <summary>What a worker carries relative to the others, 1 to 1,000,000. Default: 100.</summary>
    public int Capacity { get; init; } = 100;

    /// <summary>What is known of a worker, as <c>key=value</c> with commas between, at most 16. Default: none.</summary>
    public string Label { get; init; } = "";

    /// <summary>Of a coordinator: whether new workers wait for an administrator. Default: they do not.</summary>
    public WorkerAdmissionMode Admission { get; init; } = WorkerAdmissionMode.Open;

    /// <summary>Of a coordinator: how the host of a room is chosen. Default: the least loaded worker.</summary>
    public RoomPlacementMode Placement { get; init; } = RoomPlacementMode.LeastLoaded;

    /// <summary>A report comes within 1.3 s of the one before where the store is silent, and a coordinator does not notice that it was itself held up for less than 1 s.</summary>
    internal const int WorkerSilenceMsMin = 2_500;

    /// <summary>Of a coordinator: a worker that was silent for so long is dead, in milliseconds, 2,500 to 60,000. Default: 3,000.</summary>
    public int WorkerSilenceMs { get; init; } = 3_000;

    /// <summary>Of a coordinator: a worker whose connection closed, and that is not back in this time, is dead, in milliseconds, 0 to 60,000. Default: 300.</summary>
    public int WorkerClosedMs { get; init; } = 300;

    /// <summary>Of a worker: where it heard no coordinator for so long while others do, it sends its clients to them, in milliseconds, 0 (never) to 600,000. Default: 3,000. After twice that where it is passed over for another reason.</summary>
    public int CutOffMs { get; init; } = 3_000;

    /// <summary>Of a coordinator: rooms that move in a second to even loads out, 0 to 5,000; 0: none do. Default: 50.</summary>
    public int MovesPerSecond { get; init; } = 50;

    /// <summary>The node port's certificate with its chain, a PEM file. Null, the default: no TLS between nodes.</summary>
    public string? NodeTlsCertificate { get; init; }

    /// <summary>The certificate's private key, a PEM file.</summary>
    public string? NodeTlsKey { get; init; }

    /// <summary>The authority that signed every node's certificate, a PEM file.</summary>
    public string? NodeTlsCa { get; init; }

    /// <summary>How long an access token is valid, in seconds, 10 to 86,400. Default: 300.</summary>
    public int AccessTokenSeconds { get; init; } = 300;

    /// <summary>How long a session lives without being used, in days, 1 to 365. Default: 14.</summary>
    public int RefreshTokenDays { get; init; } = 14;

    /// <summary>Messages older than this many days are removed; 0, the default: they are kept for ever.</summary>
    public int RetentionDays { get; init; }

    /// <summary>Of a coordinator: a snapshot of the registry is written after so many entries of the log, 0 to 10,000,000; 0: only by time. Default: 10,000.</summary>
    public int SnapshotEntries { get; init; } = 10_000;

    /// <summary>Of a coordinator: a snapshot of the registry is written after so many minutes, if anything changed, 1 to 1,440. Default: 10.</summary>
    public int SnapshotMinutes { get; init; } = 10;

    /// <summary>Of a coordinator: so many newest snapshots are kept, 2 to 1,000. Default: 3.</summary>
    public int SnapshotsKept { get; init; } = 3;

    /// <summary>Of a coordinator: the last snapshot of each day is kept for so many days, 0 to 3,650. Default: 7.</summary>
    public int SnapshotDays { get; init; } = 7;

    /// <summary>How long a stop waits for what is in flight, in seconds, 1 to 600. Default: 20.</summary>
    public int DrainSeconds { get; init; } = 20;

    /// <summary>How logs are written. Default: text.</summary>
    public LogFormat LogFormat { get; init; } = LogFormat.Text;

    /// <summary>The least severe log that is written. Default: information.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    /// <summary>The limits on what comes from outside.</summary>
    public LimitsOptions Limits { get; init; } = new();

    /// <summary><see cref="NodePort"/> with its default filled in.</summary>
    public int EffectiveNodePort => NodePort ?? (Port == 0 ? 0 : Port + 1);

    /// <summary>The file of the control log; empty where it is in etcd.</summary>
    public string LogPath => (Log ?? EngineUrl.Under(Data, "sqlite", "control.db")).Path;

    /// <summary>Whether several coordinators may share the control log.</summary>
    public bool SharesLog => Log?.Etcd is not null || Peers is not null;

    public string StorePath => (Store ?? EngineUrl.Under(Data, "sqlite", "messages.db")).Path;

    public string BlobsPath => (Blobs ?? EngineUrl.Under(Data, "file", "blobs")).Path;

    /// <summary>Whether rooms are hosted here: a worker that is given no message store is a gateway only.</summary>
    public bool IsHost => Mode == ServerMode.All || (Mode == ServerMode.Worker && Store is not null);

    /// <summary><see cref="Advertise"/> with its default filled in.</summary>
    public string EffectiveAdvertise => Advertise ?? $"{(NodeHost switch
    {
        "*" => Self?.BracketedHost ?? LoopbackHost.Default,
        "localhost" => LoopbackHost.Default,
        var host when host.Contains(':', StringComparison.Ordinal) => $"[{host}]",
        var host => host,
    })}:{EffectiveNodePort}";

    /// <summary>Which of <see cref="Peers"/> this is.</summary>
    private Peer? Self => Node is { } node ? Peers?.Find(node) : null;

    public bool IsCoordinator => Mode is ServerMode.All or ServerMode.Coordinator;

    public bool IsWorker => Mode is ServerMode.All or ServerMode.Worker;
}

public enum ServerMode
{
    /// <summary>Coordinator and worker in one process.</summary>
    All,
    Coordinator,
    Worker,
}

/// <summary>How the host of a room is chosen.</summary>
public enum RoomPlacementMode
{
    /// <summary>The worker with the least expected load.</summary>
    LeastLoaded,

    /// <summary>One after the other.</summary>
    RoundRobin,

    /// <summary>The worker on which the room was made.</summary>
    Creator,
}

public enum RegistrationMode
{
    /// <summary>Everybody may make an account.</summary>
    Open,

    /// <summary>Whoever holds an invitation of an administrator.</summary>
    Invite,

    /// <summary>Nobody; administrators make accounts.</summary>
    Closed,
}

public enum LogFormat
{
    /// <summary>One line for people.</summary>
    Text,

    /// <summary>One JSON object a line.</summary>
    Json,
}

/// <summary>An engine and where it is: <c>sqlite:PATH</c>, <c>file:PATH</c>, <c>postgres://…</c>, <c>etcd://…</c>, <c>s3://…</c>. Its text holds no password.</summary>
public sealed record EngineUrl(string Scheme, string Path)
{
    /// <summary>Where PostgreSQL is; null with another engine.</summary>
    public PostgresUrl? Postgres { get; private init; }

    /// <summary>Where etcd is; null with another engine.</summary>
    public EtcdUrl? Etcd { get; private init; }

    /// <summary>Where the bucket is; null with another engine.</summary>
    public S3Url? S3 { get; private init; }

    public static EngineUrl Under(string data, string scheme, string name) => new(scheme, System.IO.Path.Combine(data, name));

    public static EngineUrl Of(PostgresUrl url) => new("postgres", "") { Postgres = url };

    public static EngineUrl Of(EtcdUrl url) => new("etcd", "") { Etcd = url };

    public static EngineUrl Of(S3Url url) => new("s3", "") { S3 = url };

    public override string ToString() => Postgres?.ToString() ?? Etcd?.ToString() ?? S3?.ToString() ?? $"{Scheme}:{Path}";
}
