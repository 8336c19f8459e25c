using System.Net;
using DChat.Server.Coordinator;
using DChat.Server.EtcdMembers;
using DChat.Storage.Etcd;
using DChat.Storage.Postgres;
using DChat.Storage.S3;
using DChat.Server.Worker.Joining;

namespace DChat.Server.Cli;

/// <summary>The table of all settings: the one place that flags, environment, file, help and <c>config show</c> are made from.</summary>
public static class Settings
{
    public const string VariablePrefix = "DCHAT__";

    /// <summary>The setting that names the file; it can not stand in the file itself.</summary>
    public const string ConfigFlag = "--config";
    public const string ConfigVariable = VariablePrefix + "CONFIG";

    /// <summary>Read once, when the account is made; as it is a secret and no setting, there is no flag for it.</summary>
    public const string AdminPasswordVariable = "DCHAT_ADMIN_PASSWORD";

    private const string Start = "What to run";
    private const string Listen = "Where to listen";
    private const string Engines = "Where things are kept";
    private const string People = "People and sessions";
    private const string Cluster = "A cluster of several machines";
    private const string Members = "A coordinator's own etcd, with --peers";
    private const string Operation = "Operation";
    internal const string LimitGroup = "Limits (0: none, unless said otherwise)";

    public static IReadOnlyList<Setting> All { get; } =
    [
        Setting.Choice("mode", Start, "which parts run in this process; all: coordinator and worker in one", o => o.Mode, (o, v) => o with { Mode = v }),
        new("data", Start, "a folder's path", "the folder of everything that is kept, made at the first start", o => o.Data, (o, v) => o with { Data = NotEmpty(v) }) { Placeholder = "FOLDER" },

        Address("host", "the address for clients; * for every address of this machine; not of a coordinator, which has none", o => o.Host, (o, v) => o with { Host = v }),
        Setting.Number("port", Listen, "the port for clients; 0 picks a free one; not of a coordinator, which has none", 0, 65_535, o => o.Port, (o, v) => o with { Port = v }),
        Address("nodeHost", "the address for nodes, and metrics unless --metrics is given", o => o.NodeHost, (o, v) => o with { NodeHost = v }),
        Setting.Number("nodePort", Listen, "the port for nodes, and metrics unless --metrics is given; --port + 1 unless given; 0 picks a free one", 0, 65_535, o => o.EffectiveNodePort, (o, v) => o with { NodePort = v }),

        new("metrics", Listen, "an IP address, or *, and a port, such as 127.0.0.1:9464", "where /metrics is, by plain HTTP; on the node port unless given, where TLS between nodes asks for a certificate", o => o.Metrics ?? "", (o, v) => v.Length == 0 ? o : o with { Metrics = Preflight.IsListener(v) ? v : throw new FormatException() }) { Placeholder = "ADDRESS:PORT" },

        Engine("log", "the control log (accounts, rooms, members)", "sqlite", "etcd", "control.db", o => o.Log, (o, v) => o with { Log = v }, "etcd://HOST:PORT,HOST:PORT,HOST:PORT/PREFIX", Etcd, o => o.Peers is null ? null : "(in the coordinators' own etcd)"),
        Engine("store", "the message store", "sqlite", "postgres", "messages.db", o => o.Store, (o, v) => o with { Store = v }, "postgres://USER@HOST:PORT/DATABASE", Postgres),
        Engine("blobs", "the blob store (snapshots, files)", "file", "s3", "blobs", o => o.Blobs, (o, v) => o with { Blobs = v }, "s3://BUCKET/PREFIX?region=REGION", S3),
        Setting.Number("snapshotEntries", Engines, "of a coordinator: a snapshot of the registry after so many entries of the log; 0: only by time", 0, 10_000_000, o => o.SnapshotEntries, (o, v) => o with { SnapshotEntries = v }),
        Setting.Number("snapshotMinutes", Engines, "of a coordinator: a snapshot of the registry after so many minutes, if anything changed", 1, 1_440, o => o.SnapshotMinutes, (o, v) => o with { SnapshotMinutes = v }),
        Setting.Number("snapshotsKept", Engines, "of a coordinator: so many newest snapshots are kept", 2, 1_000, o => o.SnapshotsKept, (o, v) => o with { SnapshotsKept = v }),
        Setting.Number("snapshotDays", Engines, "of a coordinator: the last snapshot of each day is kept for so many days", 0, 3_650, o => o.SnapshotDays, (o, v) => o with { SnapshotDays = v }),
        Setting.Number("retentionDays", Engines, "remove messages after this many days; 0 keeps them for ever", 0, 36_500, o => o.RetentionDays, (o, v) => o with { RetentionDays = v }),

        Setting.Choice("registration", People, "who may make an account: everybody, whoever is invited, nobody", o => o.Registration, (o, v) => o with { Registration = v }),
        Setting.Number("accessTokenSeconds", People, "how long an access token is valid", 10, 86_400, o => o.AccessTokenSeconds, (o, v) => o with { AccessTokenSeconds = v }),
        Setting.Number("refreshTokenDays", People, "how long a session lives without being used", 1, 365, o => o.RefreshTokenDays, (o, v) => o with { RefreshTokenDays = v }),
        new("clusterSecret", People, "32 bytes in base64", "what nodes prove themselves by; DATA/cluster-secret unless given", o => o.ClusterSecret ?? "(in the data folder)", (o, v) => o with { ClusterSecret = IsSecret(v) ? v : throw new FormatException() }) { Secret = true },

        new("clusterSecretFile", Cluster, "a file's path", "a file with the cluster secret, the same for every node, readable for its owner only; DATA/cluster-secret unless given", o => o.ClusterSecretFile ?? $"{o.Data}/cluster-secret", (o, v) => o with { ClusterSecretFile = NotEmpty(v) }) { Placeholder = "FILE" },
        new("coordinators", Cluster, CoordinatorAddresses.Expected, "of a worker: where the coordinators' node ports are", o => o.Coordinators, (o, v) => o with { Coordinators = Checked(v) }) { Placeholder = "LIST" },
        new("advertise", Cluster, "host:port", "where other nodes reach this one; the node address and port unless given", o => o.EffectiveAdvertise, (o, v) => o with { Advertise = HostAndPort(v) }) { Placeholder = "HOST:PORT" },
        Setting.Number("capacity", Cluster, "what this worker carries, relative to the others", 1, 1_000_000, o => o.Capacity, (o, v) => o with { Capacity = v }),
        new("label", Cluster, "key=value, several with commas between", "what is to be known of this worker, such as zone=a", o => o.Label, (o, v) => o with { Label = Labels(v) }) { Placeholder = "KEY=VALUE" },
        Setting.Choice("admission", Cluster, "of a coordinator: new workers take part at once, or wait until an administrator approves them", o => o.Admission, (o, v) => o with { Admission = v }),
        Setting.Choice("placement", Cluster, "of a coordinator: how the host of a room is chosen", o => o.Placement, (o, v) => o with { Placement = v }),
        Setting.Number("workerSilenceMs", Cluster, "of a coordinator: a worker that was silent for so long is dead, in milliseconds; workers report once a second", ServerOptions.WorkerSilenceMsMin, 60_000, o => o.WorkerSilenceMs, (o, v) => o with { WorkerSilenceMs = v }),
        Setting.Number("workerClosedMs", Cluster, "of a coordinator: a worker whose connection closed and that is not back in this time is dead, in milliseconds", 0, 60_000, o => o.WorkerClosedMs, (o, v) => o with { WorkerClosedMs = v }),
        Setting.Number("cutOffMs", Cluster, "of a worker: where it heard no coordinator for so long, and others do, its clients are sent to them (after twice that, where it hears one and reaches not all hosts, or no store), in milliseconds; 0: never", 0, 600_000, o => o.CutOffMs, (o, v) => o with { CutOffMs = v }),
        Setting.Number("movesPerSecond", Cluster, "of a coordinator: rooms that move in a second to even loads out; 0: none do", 0, 5_000, o => o.MovesPerSecond, (o, v) => o with { MovesPerSecond = v }),
        Pem("nodeTlsCertificate", "TLS between nodes: this node's certificate with its chain", o => o.NodeTlsCertificate, (o, v) => o with { NodeTlsCertificate = v }),
        Pem("nodeTlsKey", "TLS between nodes: the certificate's private key", o => o.NodeTlsKey, (o, v) => o with { NodeTlsKey = v }),
        Pem("nodeTlsCa", "TLS between nodes: the authority that signed every node's certificate", o => o.NodeTlsCa, (o, v) => o with { NodeTlsCa = v }),

        new("node", Members, PeerList.NameExpected, "of a coordinator that runs its own etcd: its name in --peers", o => o.Node ?? "", (o, v) => v.Length == 0 ? o : o with { Node = PeerList.IsName(v) ? v : throw new FormatException() }) { Placeholder = "NAME" },
        new("peers", Members, PeerList.Expected, "the coordinators that run an etcd each, this one among them, and where the others reach each etcd (port 2380 unless given), the same for all", o => o.Peers?.ToString() ?? "", (o, v) => v.Length == 0 ? o : o with { Peers = Parsed(() => PeerList.Parse(v)) }) { Placeholder = "LIST" },
        new("etcdProgram", Members, "a program's path, or its name on the PATH", "the etcd program", o => o.EtcdProgram, (o, v) => o with { EtcdProgram = NotEmpty(v) }) { Placeholder = "PROGRAM" },
        Setting.Number("etcdPort", Members, "the port of 127.0.0.1 by which the coordinator uses its etcd, certificates on both sides; 0: a free one", 0, 65_535, o => o.EtcdPort, (o, v) => o with { EtcdPort = v }),
        Setting.Number("etcdHeartbeatMs", Members, "between signs of life of etcd's leader, in milliseconds: about a round trip between the coordinators, and not less than 30", 5, 10_000, o => o.EtcdHeartbeatMs, (o, v) => o with { EtcdHeartbeatMs = v }),
        Setting.Number("etcdElectionMs", Members, "a leader of etcd that is silent for so long is followed by another, in milliseconds; ten heartbeats are usual, five the least", 50, 50_000, o => o.EtcdElectionMs, (o, v) => o with { EtcdElectionMs = v }),
        Setting.Number("etcdLeaseSeconds", Members, "a coordinator that leads and is not heard for so long leads no more; as lease= in --log etcd://", EtcdUrl.LeaseSecondsMin, EtcdUrl.LeaseSecondsMax, o => o.EtcdLeaseSeconds, (o, v) => o with { EtcdLeaseSeconds = v }),
        Setting.Number("etcdQuotaMb", Members, "what etcd's database may take on disk, in MiB, the same for all; when it is full nothing changes the registry; etcd advises 8192 at most", ServerOptions.EtcdQuotaMbMin, ServerOptions.EtcdQuotaMbMax, o => o.EtcdQuotaMb, (o, v) => o with { EtcdQuotaMb = v }),

        Setting.Choice("logFormat", Operation, "one line for people, or one JSON object a line", o => o.LogFormat, (o, v) => o with { LogFormat = v }),
        Setting.Choice("logLevel", Operation, "the least severe log that is written", o => o.LogLevel, (o, v) => o with { LogLevel = v }),
        Setting.Number("drainSeconds", Operation, "how long a stop waits for what is in flight", 1, 600, o => o.DrainSeconds, (o, v) => o with { DrainSeconds = v }),

        .. LimitSettings.All(),
    ];

    private static Setting Address(string key, string about, Func<ServerOptions, string> show, Func<ServerOptions, string, ServerOptions> set) => new(
        key,
        Listen,
        "an IP address such as 127.0.0.1, or * for every address of this machine",
        about,
        show,
        (options, text) => text is "*" or "localhost" || IPAddress.TryParse(text, out _) ? set(options, text) : throw new FormatException())
    {
        Placeholder = "ADDRESS",
    };

    private static Setting Engine(
        string key,
        string about,
        string embedded,
        string outgrown,
        string file,
        Func<ServerOptions, EngineUrl?> show,
        Func<ServerOptions, EngineUrl, ServerOptions> set,
        string outgrownLike,
        Func<string, EngineUrl> outgrownIs,
        Func<ServerOptions, string?>? elsewhere = null) => new(
            key,
            Engines,
            $"{embedded}:PATH or {outgrownLike}",
            about,
            options => elsewhere?.Invoke(options) ?? (show(options) ?? EngineUrl.Under(options.Data, embedded, file)).ToString(),
            (options, text) =>
            {
                if (text.StartsWith(outgrown + "://", StringComparison.OrdinalIgnoreCase))
                {
                    return set(options, outgrownIs(text));
                }

                return text.StartsWith(embedded + ":", StringComparison.Ordinal) && text.Length > embedded.Length + 1
                    ? set(options, new EngineUrl(embedded, text[(embedded.Length + 1)..]))
                    : throw new FormatException();
            })
        {
            Placeholder = "URL",
        };

    private static Setting Pem(string key, string about, Func<ServerOptions, string?> show, Func<ServerOptions, string, ServerOptions> set) => new(
        key, Cluster, "a PEM file's path", about, options => show(options) ?? "", (options, text) => text.Length > 0 ? set(options, text) : options)
    {
        Placeholder = "FILE.pem",
    };

    private static string Checked(string addresses)
    {
        _ = addresses.Length > 0 ? new CoordinatorAddresses(addresses) : null;
        return addresses;
    }

    private static string HostAndPort(string text) => text.Length > 0 && !Checked(text).Contains(',', StringComparison.Ordinal) && !text.StartsWith("dns:", StringComparison.Ordinal)
        ? text
        : throw new FormatException();

    private static string Labels(string text) => text.Length == 0 || text.Split(',').All(label => label.IndexOf('=', StringComparison.Ordinal) > 0) ? text : throw new FormatException();

    private static bool IsSecret(string text) => Convert.TryFromBase64String(text.Trim(), new byte[ClusterSecret.Size], out var length) && length == ClusterSecret.Size;

    private static EngineUrl Postgres(string text) => Parsed(() => EngineUrl.Of(PostgresUrl.Parse(text)));

    private static EngineUrl Etcd(string text) => Parsed(() => EngineUrl.Of(EtcdUrl.Parse(text)));

    private static EngineUrl S3(string text) => Parsed(() => EngineUrl.Of(S3Url.Parse(text)));

    private static T Parsed<T>(Func<T> parse)
    {
        try
        {
            return parse();
        }
        catch (FormatException e)
        {
            throw new BadUrlException(e.Message);
        }
    }

    private static string NotEmpty(string text) => text.Length > 0 ? text : throw new FormatException();
}

/// <summary>A URL of the right kind that is wrong inside.</summary>
public sealed class BadUrlException(string message) : Exception(message);
