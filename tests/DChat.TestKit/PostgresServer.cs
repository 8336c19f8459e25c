using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Npgsql;

namespace DChat.TestKit;

/// <summary>
/// A PostgreSQL of this test's own, with its data in a temporary folder and on a free port; it runs as the user <c>postgres</c> where the
/// tests run as root, whom PostgreSQL refuses. It can be stopped, killed, frozen, and started again on the same data and port.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    public const string User = "dchat";
    public const string Password = "only for this test";

    private const int SigInt = 2;
    private const int SigQuit = 3;
    private const int SigKill = 9;
    private const int SigCont = 18;
    private const int SigStop = 19;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    private readonly TemporaryFolder _folder = new();
    private readonly bool _durable;
    private readonly TestHost? _host;
    private readonly ConcurrentQueue<string> _log = new();
    private Process? _process;
    private int _databases;

    private PostgresServer(bool durable, TestHost? host) => (_durable, _host) = (durable, host);

    public string Address => _host?.Address ?? "127.0.0.1";

    public int Port { get; } = FreePort.Next();

    /// <summary>Of the process whose children do the work.</summary>
    public int ProcessId => _process!.Id;

    /// <summary>The certificate of the authority that signed the server's, for <c>sslrootcert</c>.</summary>
    public string RootCertificate => _folder["root.crt"];

    /// <summary>The folder of its Unix socket.</summary>
    public string SocketFolder => _folder.Path;

    private string Data => _folder["data"];

    /// <param name="durable">Commits wait for the disk: needed where speed is measured; a stopped or killed server loses nothing without.</param>
    /// <param name="settings">Lines of <c>postgresql.conf</c>.</param>
    public static Task<PostgresServer> StartAsync(bool durable = false, params string[] settings) => StartAsync(null, durable, settings);

    /// <param name="host">Where it runs; null: on this machine itself.</param>
    /// <inheritdoc cref="StartAsync(bool, string[])"/>
    public static async Task<PostgresServer> StartAsync(TestHost? host, bool durable = false, params string[] settings)
    {
        var server = new PostgresServer(durable, host);
        try
        {
            await server.MakeAsync(settings);
            await server.StartAgainAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>A standby that follows this one, with all of its databases.</summary>
    public async Task<PostgresServer> StartStandbyAsync()
    {
        var standby = new PostgresServer(_durable, _host);
        try
        {
            await standby.FollowAsync(this);
            await standby.StartAgainAsync();
            return standby;
        }
        catch
        {
            await standby.DisposeAsync();
            throw;
        }
    }

    /// <summary>From now on a commit is acknowledged when a standby has it too.</summary>
    public async Task WaitForStandbysAsync()
    {
        await ExecuteAsync("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'");
        await ExecuteAsync("postgres", "SELECT pg_reload_conf()");
        await Eventually.Holds(async () => await ReadAsync("postgres", "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") is 1L, Limit);
    }

    /// <summary>Makes a primary of a standby.</summary>
    public async Task PromoteAsync() => Assert.Equal(true, await ReadAsync("postgres", "SELECT pg_promote()"));

    /// <summary>The URL of a database, with the password.</summary>
    public string Url(string database, string parameters = "") =>
        $"postgres://{User}:{Uri.EscapeDataString(Password)}@{Address}:{Port.ToString(CultureInfo.InvariantCulture)}/{database}{parameters}";

    /// <summary>Makes an empty database, and answers its name.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"d{Interlocked.Increment(ref _databases)}");
        await ExecuteAsync("postgres", $"CREATE DATABASE {name}");
        return name;
    }

    public Task DropDatabaseAsync(string name) => ExecuteAsync("postgres", $"DROP DATABASE {name} WITH (FORCE)");

    /// <summary>Dumps a database as operators do, and answers the file.</summary>
    public async Task<string> DumpAsync(string database)
    {
        var file = _folder[$"{database}.dump"];
        await RunAsync(Client("pg_dump", "--format", "custom", "--file", file, database));
        return file;
    }

    /// <summary>Puts a dump into an empty database.</summary>
    public Task PutBackAsync(string database, string dump) => RunAsync(Client("pg_restore", "--exit-on-error", "--dbname", database, dump));

    public async Task ExecuteAsync(string database, string sql)
    {
        await using var connection = await ConnectAsync(database);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>The first value of the first row.</summary>
    public async Task<object?> ReadAsync(string database, string sql)
    {
        await using var connection = await ConnectAsync(database);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    public async Task<NpgsqlConnection> ConnectAsync(string database)
    {
        var connection = new NpgsqlConnection($"Host={Address};Port={Port};Username={User};Password={Password};Database={database};Pooling=false;Timeout=60;Command Timeout=60");
        await connection.OpenAsync();
        return connection;
    }

    /// <summary>Starts it, after a stop, on the same data and port.</summary>
    public async Task StartAgainAsync()
    {
        var start = Describe("postgres", ["-D", Data]);
        start.RedirectStandardError = true;
        _process = Process.Start(start)!;
        _process.ErrorDataReceived += (_, line) => _log.Enqueue(line.Data ?? "");
        _process.BeginErrorReadLine();
        await Eventually.Holds(AnswersAsync, Limit);
    }

    /// <summary>Ends sessions and transactions, and stops in an orderly way.</summary>
    public Task StopAsync() => EndAsync(SigInt);

    /// <summary>Stops as after a crash: nothing is finished; the next start recovers from the log.</summary>
    public Task StopImmediatelyAsync() => EndAsync(SigQuit);

    /// <summary>Freezes all of its processes: connections stay, and nothing is answered.</summary>
    public void Freeze() => SignalAll(SigStop);

    public void Thaw() => SignalAll(SigCont);

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
        {
            Thaw();
            await EndAsync(SigQuit);
        }

        _folder.Dispose();
    }

    private async Task MakeAsync(string[] settings)
    {
        await FurnishAsync();
        await RunAsync(Describe(
            "initdb",
            ["-D", Data, "--username", User, "--pwfile", _folder["password"], "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"]));
        await SettleAsync(
            [.. _durable ? (string[])["shared_buffers = 256MB", "max_wal_size = 2GB"] : ["fsync = off", "full_page_writes = off", "shared_buffers = 64MB"], .. settings]);
        if (_host is not null)
        {
            await File.AppendAllLinesAsync(Path.Combine(Data, "pg_hba.conf"), ["host all all samenet scram-sha-256", "host replication all samenet scram-sha-256"]);
        }
    }

    private async Task FollowAsync(PostgresServer primary)
    {
        await FurnishAsync();
        await RunAsync(primary.Client("pg_basebackup", "--pgdata", Data, "--wal-method", "stream", "--checkpoint", "fast", "--write-recovery-conf", "--no-sync"));
        await SettleAsync([]);
    }

    private async Task FurnishAsync()
    {
        if (Environment.IsPrivilegedProcess)
        {
            await RunAsync(new ProcessStartInfo("chown", ["postgres", _folder.Path]));
        }

        await File.WriteAllTextAsync(_folder["password"], Password);
        MakeCertificates();
    }

    /// <summary>The last line of a setting counts.</summary>
    private Task SettleAsync(string[] settings) =>
        File.AppendAllLinesAsync(
            Path.Combine(Data, "postgresql.conf"),
            [
                $"listen_addresses = '{Address}'",
                $"port = {Port}",
                $"unix_socket_directories = '{_folder.Path}'",
                $"ssl = on",
                $"ssl_cert_file = '{_folder["server.crt"]}'",
                $"ssl_key_file = '{_folder["server.key"]}'",
                .. settings,
            ]);

    /// <summary>An authority, and a certificate of it for 127.0.0.1.</summary>
    private void MakeCertificates()
    {
        var (from, to) = (DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var rootRequest = new CertificateRequest("CN=test authority", rootKey, HashAlgorithmName.SHA256);
        rootRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        using var root = rootRequest.CreateSelfSigned(from, to);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test server", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(System.Net.IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(root, from, to, RandomNumberGenerator.GetBytes(8));

        File.WriteAllText(_folder["root.crt"], root.ExportCertificatePem());
        File.WriteAllText(_folder["server.crt"], certificate.ExportCertificatePem());
        File.WriteAllText(_folder["server.key"], key.ExportPkcs8PrivateKeyPem());
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(_folder["server.key"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        if (Environment.IsPrivilegedProcess)
        {
            using var chown = Process.Start("chown", ["postgres", _folder["server.key"], _folder["password"]]);
            chown.WaitForExit();
        }
    }

    private async Task<bool> AnswersAsync()
    {
        if (_process is not { HasExited: false })
        {
            throw new InvalidOperationException("PostgreSQL ended before it answered:\n" + string.Join('\n', _log));
        }

        try
        {
            await using var connection = await ConnectAsync("postgres");
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private async Task EndAsync(int signal)
    {
        var process = _process ?? throw new InvalidOperationException("PostgreSQL is not running");
        _ = Signal(process.Id, signal);
        try
        {
            await process.WaitForExitAsync().Within(Limit);
        }
        catch (TimeoutException)
        {
            SignalAll(SigKill);
            throw;
        }

        process.Dispose();
        _process = null;
    }

    private void SignalAll(int signal)
    {
        var parent = _process!.Id;
        _ = Signal(parent, signal);
        foreach (var child in Children(parent))
        {
            _ = Signal(child, signal);
        }
    }

    private static IEnumerable<int> Children(int parent)
    {
        foreach (var folder in Directory.GetDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var process))
            {
                continue;
            }

            string stat;
            try
            {
                stat = File.ReadAllText(Path.Combine(folder, "stat"));
            }
            catch (IOException)
            {
                continue; // It ended meanwhile.
            }

            // "123 (name) S 1 …": the name may hold spaces and parentheses.
            if (stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1] == parent.ToString(CultureInfo.InvariantCulture))
            {
                yield return process;
            }
        }
    }

    private ProcessStartInfo Describe(string program, string[] arguments)
    {
        string[] command = [Path.Combine(Programs(), program), .. arguments];
        command = Environment.IsPrivilegedProcess ? ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", .. command] : command;
        command = _host?.Command(command[0], command[1..]) ?? command;
        var start = new ProcessStartInfo(command[0], command[1..]) { WorkingDirectory = "/" };
        return start;
    }

    private ProcessStartInfo Client(string program, params string[] arguments)
    {
        var start = Describe(program, ["--host", Address, "--port", Port.ToString(CultureInfo.InvariantCulture), "--username", User, .. arguments]);
        start.Environment["PGPASSWORD"] = Password;
        return start;
    }

    /// <summary>Debian keeps each version's programs in a folder of their own.</summary>
    private static string Programs()
    {
        const string versions = "/usr/lib/postgresql";
        var found = Directory.Exists(versions)
            ? Directory.GetDirectories(versions).Select(version => Path.Combine(version, "bin")).Where(bin => File.Exists(Path.Combine(bin, "initdb"))).Order(StringComparer.Ordinal).LastOrDefault()
            : null;
        return found ?? throw new FileNotFoundException("PostgreSQL is not installed: make deps");
    }

    private static async Task RunAsync(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().Within(Limit);
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{start.FileName} exited with {process.ExitCode}: {await output}{await error}");
        }
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int Signal(int processId, int signal);
}
