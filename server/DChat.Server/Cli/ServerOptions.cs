namespace DChat.Server.Cli;

/// <summary>
/// Everything that is configured: command-line flags beat environment variables (<c>DCHAT__PORT</c>) beat the
/// <c>--config</c> file. <see cref="Settings"/> says how each is called, checked and explained.
/// </summary>
public sealed record ServerOptions
{
    /// <summary>Which parts run in this process. Default: all of them.</summary>
    public ServerMode Mode { get; init; } = ServerMode.All;

    /// <summary>The folder of everything that is kept, and of the secrets made at the first start. Default: <c>./dchat-data</c>.</summary>
    public string Data { get; init; } = "./dchat-data";

    /// <summary>The IP address on which clients are served. Default: this machine only; <c>*</c>: every address.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>The port for clients, 0 to 65,535; 0: a free one. Default: 8080.</summary>
    public int Port { get; init; } = 8080;

    /// <summary>The IP address on which nodes (and whoever reads the metrics) are served. Default: this machine only.</summary>
    public string NodeHost { get; init; } = "127.0.0.1";

    /// <summary>The port for nodes; 0: a free one. Null, the default: <see cref="Port"/> + 1, or a free one where that is 0.</summary>
    public int? NodePort { get; init; }

    /// <summary>The control log's engine. Null, the default: <c>sqlite:DATA/control.db</c>.</summary>
    public EngineUrl? Log { get; init; }

    /// <summary>The message store's engine. Null, the default: <c>sqlite:DATA/messages.db</c>.</summary>
    public EngineUrl? Store { get; init; }

    /// <summary>The blob store's engine. Null, the default: <c>file:DATA/blobs</c>.</summary>
    public EngineUrl? Blobs { get; init; }

    /// <summary>Who may register. Default: everybody.</summary>
    public RegistrationMode Registration { get; init; } = RegistrationMode.Open;

    /// <summary>The secret by which nodes prove themselves and keys are wrapped. Null, the default: <c>DATA/cluster-secret</c>, made at the first start.</summary>
    public string? ClusterSecret { get; init; }

    /// <summary>How long an access token is valid, in seconds, 10 to 86,400. Default: 300.</summary>
    public int AccessTokenSeconds { get; init; } = 300;

    /// <summary>How long a session lives without being used, in days, 1 to 365. Default: 14.</summary>
    public int RefreshTokenDays { get; init; } = 14;

    /// <summary>Messages older than this many days are removed; 0, the default: they are kept for ever.</summary>
    public int RetentionDays { get; init; }

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

    public string LogPath => (Log ?? EngineUrl.Under(Data, "sqlite", "control.db")).Path;

    public string StorePath => (Store ?? EngineUrl.Under(Data, "sqlite", "messages.db")).Path;

    public string BlobsPath => (Blobs ?? EngineUrl.Under(Data, "file", "blobs")).Path;

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

/// <summary>An engine and where it is: <c>sqlite:PATH</c>, <c>file:PATH</c>.</summary>
public sealed record EngineUrl(string Scheme, string Path)
{
    public static EngineUrl Under(string data, string scheme, string name) => new(scheme, System.IO.Path.Combine(data, name));

    public override string ToString() => $"{Scheme}:{Path}";
}
