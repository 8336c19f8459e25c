using System.Net;
using DChat.Server.Coordinator;

namespace DChat.Server.Cli;

/// <summary>The table of all settings: the one place that flags, environment, file, help and <c>config show</c> are made from.</summary>
public static class Settings
{
    public const string VariablePrefix = "DCHAT__";

    /// <summary>The setting that names the file; it can not stand in the file itself.</summary>
    public const string ConfigFlag = "--config";
    public const string ConfigVariable = VariablePrefix + "CONFIG";

    private const string Start = "What to run";
    private const string Listen = "Where to listen";
    private const string Engines = "Where things are kept";
    private const string People = "People and sessions";
    private const string Operation = "Operation";
    internal const string LimitGroup = "Limits (0: none, unless said otherwise)";

    public static IReadOnlyList<Setting> All { get; } =
    [
        Setting.Choice("mode", Start, "which parts run in this process; all: coordinator and worker in one", o => o.Mode, (o, v) => o with { Mode = v }),
        new("data", Start, "a folder's path", "the folder of everything that is kept, made at the first start", o => o.Data, (o, v) => o with { Data = NotEmpty(v) }) { Placeholder = "FOLDER" },

        Address("host", "the address for clients; * for every address of this machine", o => o.Host, (o, v) => o with { Host = v }),
        Setting.Number("port", Listen, "the port for clients; 0 picks a free one", 0, 65_535, o => o.Port, (o, v) => o with { Port = v }),
        Address("nodeHost", "the address for nodes and metrics", o => o.NodeHost, (o, v) => o with { NodeHost = v }),
        Setting.Number("nodePort", Listen, "the port for nodes and metrics; --port + 1 unless given; 0 picks a free one", 0, 65_535, o => o.EffectiveNodePort, (o, v) => o with { NodePort = v }),

        Engine("log", "the control log (accounts, rooms, members)", "sqlite", "etcd", "control.db", o => o.Log, (o, v) => o with { Log = v }),
        Engine("store", "the message store", "sqlite", "postgres", "messages.db", o => o.Store, (o, v) => o with { Store = v }),
        Engine("blobs", "the blob store (snapshots, files)", "file", "s3", "blobs", o => o.Blobs, (o, v) => o with { Blobs = v }),
        Setting.Number("retentionDays", Engines, "remove messages after this many days; 0 keeps them for ever", 0, 36_500, o => o.RetentionDays, (o, v) => o with { RetentionDays = v }),

        Setting.Choice("registration", People, "who may make an account: everybody, whoever is invited, nobody", o => o.Registration, (o, v) => o with { Registration = v }),
        Setting.Number("accessTokenSeconds", People, "how long an access token is valid", 10, 86_400, o => o.AccessTokenSeconds, (o, v) => o with { AccessTokenSeconds = v }),
        Setting.Number("refreshTokenDays", People, "how long a session lives without being used", 1, 365, o => o.RefreshTokenDays, (o, v) => o with { RefreshTokenDays = v }),
        new("clusterSecret", People, "32 bytes in base64", "what nodes prove themselves by; DATA/cluster-secret unless given", o => o.ClusterSecret ?? "(in the data folder)", (o, v) => o with { ClusterSecret = IsSecret(v) ? v : throw new FormatException() }) { Secret = true },

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
        Func<ServerOptions, EngineUrl, ServerOptions> set) => new(
            key,
            Engines,
            $"{embedded}:PATH",
            about,
            options => (show(options) ?? EngineUrl.Under(options.Data, embedded, file)).ToString(),
            (options, text) =>
            {
                if (text.StartsWith(outgrown + "://", StringComparison.OrdinalIgnoreCase))
                {
                    throw new NotInThisVersionException($"{outgrown}:// is not in this version yet");
                }

                return text.StartsWith(embedded + ":", StringComparison.Ordinal) && text.Length > embedded.Length + 1
                    ? set(options, new EngineUrl(embedded, text[(embedded.Length + 1)..]))
                    : throw new FormatException();
            })
        {
            Placeholder = "URL",
        };

    private static bool IsSecret(string text) => Convert.TryFromBase64String(text.Trim(), new byte[ClusterSecret.Size], out var length) && length == ClusterSecret.Size;

    private static string NotEmpty(string text) => text.Length > 0 ? text : throw new FormatException();
}

/// <summary>A value that a later version will take.</summary>
public sealed class NotInThisVersionException(string message) : Exception(message);
