using Microsoft.Extensions.Logging;
using Npgsql;

namespace DChat.Storage.Postgres;

/// <summary>
/// The connections of one store, in pools that do not take each other's: neither commits nor what a host lives by (opening rooms, checking the
/// store) wait for readers, however many there are. Every wait has an end, here and at the server, so that no side holds a lock for one that is gone.
/// </summary>
internal sealed class PostgresSources : IAsyncDisposable
{
    /// <summary>The schema of the tables.</summary>
    public const string Schema = "dchat";

    /// <summary>Longest statement, wait for a connection, and attempt to connect, in seconds.</summary>
    public const int LimitSeconds = 2;

    /// <summary>Longest wait for a row, in milliseconds: shorter than a statement may last, so that it is told which it was.</summary>
    private const int LockMs = 1_500;

    /// <summary>
    /// How long the driver waits for what becomes of a statement that it asked the server to cancel, which is what it does with one that takes too long: not at
    /// all. The server ends those itself; one that is frozen would only take as long again.
    /// </summary>
    private const int NoWaitForCancellation = -1;

    /// <summary>
    /// The driver gives no statement up, and so asks for none to be cancelled: one that waits for a synchronous standby would be seen from then on though the standby
    /// does not have it. The server's own limit on statements does not cover that wait.
    /// </summary>
    private const int NeverCancelled = 0;

    /// <summary>The server ends a statement a little before the client gives it up, and so keeps the connection.</summary>
    private const int StatementMsASecond = 900;

    /// <summary>A statement of the indexer, which holds up nobody, in seconds.</summary>
    private const int BackgroundSeconds = 15;

    /// <summary>The indexer's session ends when it is silent for so long (a frozen process), and with it its turn, in milliseconds.</summary>
    private const int BackgroundIdleMs = 5_000;

    // One batch is under way at a time, and it holds one connection at a time; the other is for when the first was given up and is not back yet.
    private const int Commits = 2;
    private const int Backgrounds = 2;

    // An opening that waits for a room holds up no check.
    private const int HostingMost = 2;
    private const int AutoPrepared = 40;

    /// <summary>How long a host that could not be used is left alone by those who look for one by themselves, in seconds.</summary>
    private const int RecheckSeconds = 1;

    private readonly string _instance = Guid.NewGuid().ToString("N")[..8];
    private readonly PostgresGate _gate;

    public PostgresSources(PostgresUrl url, Strays strays, TimeProvider time, ILogger log)
    {
        _gate = new PostgresGate(url, BuildEach(url, $"dchat {_instance} probe", 0, LimitSeconds, ""), strays, time, log);
        Writer = Pool($"dchat {_instance} commits", Commits, LimitSeconds, "", NeverCancelled);
        var left = url.Connections - Commits - Backgrounds;
        var hosting = Math.Min(HostingMost, left - 1);
        Hosting = Pool($"dchat {_instance} hosting", hosting, LimitSeconds, "", NeverCancelled);
        Reader = Pool($"dchat {_instance} reads", left - hosting, LimitSeconds, "", LimitSeconds);
        Background = Pool($"dchat {_instance} index", Backgrounds, BackgroundSeconds, $" -c idle_session_timeout={BackgroundIdleMs}", BackgroundSeconds);

        PostgresPool Pool(string name, int connections, int statementSeconds, string options, int commandSeconds)
        {
            var pool = new PostgresPool(() => BuildEach(url, name, connections, statementSeconds, options, commandSeconds), _gate);
            _gate.Left += pool.Clear;
            return pool;
        }
    }

    /// <summary>For <c>WriteAsync</c>, with what it reads.</summary>
    public PostgresPool Writer { get; }

    /// <summary>For what a host lives by: that rooms open, whose they are, and whether the store can be used.</summary>
    public PostgresPool Hosting { get; }

    /// <summary>For everything else that somebody waits for.</summary>
    public PostgresPool Reader { get; }

    /// <summary>For the search indexer.</summary>
    public PostgresPool Background { get; }

    /// <summary>What this process is called at the server, by a name that no other has.</summary>
    public string Process => _instance;

    /// <summary>What the sessions of <see cref="Writer"/> are called at the server.</summary>
    public string WriterName => $"dchat {_instance} commits";

    /// <inheritdoc cref="PostgresGate.Doubt"/>
    public void Doubt(Exception error) => _gate.Doubt(error);

    /// <summary>A source of one connection without limits on statements, for opening and migrating.</summary>
    public static NpgsqlDataSource ForSetup(PostgresUrl url) => Build(url, "dchat setup", 1, 0, "");

    /// <summary>Of each host a source of one connection that may take as long as it needs, for backups and restores. Rows are found by scans as well.</summary>
    public static NpgsqlDataSource[] ForArchive(PostgresUrl url) => BuildEach(
        url, "dchat archive", 1, 0, " -c idle_in_transaction_session_timeout=0 -c lock_timeout=0 -c enable_seqscan=on -c enable_hashjoin=on -c enable_mergejoin=on");

    /// <summary>Of each host a source that keeps no connection, to look what it is now.</summary>
    public static NpgsqlDataSource[] ForLooks(PostgresUrl url) => BuildEach(url, "dchat archive looks", 0, LimitSeconds, "");

    public async ValueTask DisposeAsync()
    {
        await Writer.DisposeAsync();
        await Hosting.DisposeAsync();
        await Reader.DisposeAsync();
        await Background.DisposeAsync();
        await _gate.DisposeAsync();
    }

    /// <summary>A source for each host. Which of them is the primary the gate finds out.</summary>
    private static NpgsqlDataSource[] BuildEach(PostgresUrl url, string name, int connections, int statementSeconds, string options, int? commandSeconds = null) =>
        [.. url.SettingsOfHosts().Select(host => Describe(host, url, name, connections, statementSeconds, options, commandSeconds ?? statementSeconds).Build())];

    /// <summary>One source for all hosts, which looks for the primary by itself.</summary>
    private static NpgsqlDataSource Build(PostgresUrl url, string name, int connections, int statementSeconds, string options)
    {
        var builder = Describe(url.Settings, url, name, connections, statementSeconds, options, statementSeconds);
        if (url.Hosts.Count > 1)
        {
            builder.ConnectionStringBuilder.TargetSessionAttributes = "primary";
            builder.ConnectionStringBuilder.HostRecheckSeconds = RecheckSeconds;
        }

        return builder.Build();
    }

    /// <param name="connections">0: none is kept.</param>
    /// <param name="statementSeconds">After which the server ends a statement; 0: never.</param>
    /// <param name="commandSeconds">After which the driver gives one up; 0: never.</param>
    private static NpgsqlDataSourceBuilder Describe(
        NpgsqlConnectionStringBuilder host, PostgresUrl url, string name, int connections, int statementSeconds, string options, int commandSeconds)
    {
        var builder = new NpgsqlDataSourceBuilder(host.ConnectionString);
        var settings = builder.ConnectionStringBuilder;
        settings.ApplicationName = name;
        builder.ConfigureTypeLoading(types => types.EnableTypeLoading(connections > 0));
        settings.Pooling = connections > 0;
        settings.MinPoolSize = 0;
        settings.MaxPoolSize = Math.Max(connections, 1);
        settings.Timeout = LimitSeconds;
        settings.CommandTimeout = commandSeconds;
        settings.CancellationTimeout = NoWaitForCancellation;
        if (!url.Hosts.Any(host => host.StartsWith('/')))
        {
            // A Unix socket knows no such thing.
            settings.TcpKeepAlive = true;
            settings.TcpKeepAliveTime = LimitSeconds;
            settings.TcpKeepAliveInterval = 1;
        }

        settings.MaxAutoPrepare = AutoPrepared;
        settings.AutoPrepareMinUsages = 2;
        settings.NoResetOnClose = true;
        settings.GssEncryptionMode = GssEncryptionMode.Disable; // It is TLS that encrypts; the driver would knock twice whenever it is not let in.
        settings.IncludeErrorDetail = false;
        settings.Options = Options(statementSeconds) + options;
        return builder;
    }

    // Every statement finds its rows by an index. Plans are kept for the life of a session, also those made when the tables were empty:
    // the planner must not have thought then that reading all of them is cheapest.
    private static string Options(int statementSeconds) =>
        $"-c search_path={Schema} -c synchronous_commit=on -c statement_timeout={statementSeconds * StatementMsASecond} -c lock_timeout={LockMs} " +
        $"-c idle_in_transaction_session_timeout={LimitSeconds}s -c tcp_user_timeout={LimitSeconds}s " +
        $"-c tcp_keepalives_idle={LimitSeconds} -c tcp_keepalives_interval=1 -c tcp_keepalives_count=2 -c client_connection_check_interval=1s " +
        "-c jit=off -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off";
}
