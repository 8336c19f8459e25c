using System.Net.Sockets;
using System.Security.Authentication;
using Npgsql;

namespace DChat.Storage.Postgres;

/// <summary>Looks whether a server can use a database, and says in words of its operator what is in the way.</summary>
public static class PostgresProbe
{
    /// <summary>
    /// How long a start waits for a database that does not answer: a machine that boots, or a fail-over. Longer than the 10 s in which systemd counts
    /// restarts: a server that is started again and again is not given up.
    /// </summary>
    public static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(30);

    /// <summary>Longest look at rights, in seconds.</summary>
    private const int LookSeconds = 10;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>What is wrong, and what to do about it.</summary>
    public readonly record struct Finding(string Problem, string Remedy);

    /// <summary>Null where all is well. What does not answer yet may do so soon, and is waited for; what is wrong is told at once.</summary>
    /// <param name="patience">How long to wait; zero: not at all.</param>
    /// <param name="waits">Told once, with the reason, when it has to be waited for.</param>
    public static async Task<Finding?> LookAsync(PostgresUrl url, TimeSpan patience, TimeProvider time, Action<string> waits)
    {
        await using var source = PostgresSources.ForSetup(url);
        var started = time.GetTimestamp();
        for (var isSaid = false; ;)
        {
            try
            {
                return await LookInsideAsync(source, url);
            }
            catch (NpgsqlException error)
            {
                var finding = Explain(error, url);
                if (!IsAway(error) || time.GetElapsedTime(started) >= patience)
                {
                    return finding;
                }

                if (!isSaid)
                {
                    isSaid = true;
                    waits(finding.Problem);
                }
            }

            await Task.Delay(Pause, time);
        }
    }

    /// <summary>It does not answer, or not yet; a name that nobody knows is a mistake.</summary>
    private static bool IsAway(NpgsqlException error) => error switch
    {
        PostgresException refused => refused.SqlState == PostgresErrorCodes.CannotConnectNow,
        StandbyException => true,
        { InnerException: null } when IsWithoutPrimary(error) => true,
        { InnerException: AggregateException hosts } => hosts.InnerExceptions.OfType<NpgsqlException>().All(IsAway),
        { InnerException: SocketException socket } => socket.SocketErrorCode is not (SocketError.HostNotFound or SocketError.NoData),
        _ => error.InnerException is TimeoutException or EndOfStreamException or IOException { InnerException: SocketException },
    };

    /// <summary>The driver found hosts, and each is a standby.</summary>
    private static bool IsWithoutPrimary(NpgsqlException error) => error.Message.StartsWith("No suitable host", StringComparison.Ordinal);

    private static async Task<Finding?> LookInsideAsync(NpgsqlDataSource source, PostgresUrl url)
    {
        await using var connection = await source.OpenConnectionAsync();
        if (PostgresLine.IsStandby(connection))
        {
            source.Clear(); // It would say so still when it has been promoted.
            throw new StandbyException();
        }

        await using var command = new NpgsqlCommand(
            $"""
            SELECT CASE WHEN to_regnamespace('{PostgresSources.Schema}') IS NULL
                THEN has_database_privilege(current_database(), 'CREATE')
                ELSE has_schema_privilege('{PostgresSources.Schema}', 'USAGE') AND has_schema_privilege('{PostgresSources.Schema}', 'CREATE')
            END
            """,
            connection);
        command.CommandTimeout = LookSeconds;
        return await command.ExecuteScalarAsync() is true
            ? null
            : new Finding(
                $"the user \"{url.User}\" may not make or use the schema \"{PostgresSources.Schema}\"",
                $"as an administrator of the database: CREATE SCHEMA {PostgresSources.Schema} AUTHORIZATION \"{url.User}\"");
    }

    private static Finding Explain(NpgsqlException error, PostgresUrl url) => error switch
    {
        PostgresException { SqlState: PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification } refused => new(
            $"it does not let \"{url.User}\" in: {refused.MessageText}",
            "check the user, the password (in PGPASSWORD, in a file named by passfile=, or in the URL) and the server's pg_hba.conf"),
        PostgresException { SqlState: PostgresErrorCodes.InvalidCatalogName } => new(
            $"there is no database \"{url.Database}\"",
            $"make it (createdb --owner {url.User} {url.Database}), or name another"),
        PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege } refused => new(
            refused.MessageText,
            $"as an administrator: GRANT CONNECT, CREATE ON DATABASE \"{url.Database}\" TO \"{url.User}\""),
        PostgresException { SqlState: PostgresErrorCodes.TooManyConnections } => new(
            "it takes no more connections",
            $"raise its max_connections, or give this server fewer with connections=N (it takes up to {url.Connections})"),
        PostgresException refused => new($"{refused.MessageText} ({refused.SqlState})", "see PostgreSQL's log"),
        StandbyException => new($"{Hosts(url)} is a standby, which cannot be written", "name the primary, or all hosts, separated by commas; or promote it"),
        { InnerException: null } when IsWithoutPrimary(error) => new($"none of {Hosts(url)} is the primary", "name the primary too, or promote a standby"),
        { InnerException: AggregateException { InnerExceptions: [NpgsqlException first, ..] } } => Explain(first, url),
        { InnerException: SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData } } => new(
            $"the host {Hosts(url)} is not known", "check how its name is spelled, and this machine's name resolution"),
        { InnerException: SocketException { SocketErrorCode: SocketError.ConnectionRefused } } => new(
            $"nobody listens at {Hosts(url)}", "start PostgreSQL, or check host and port"),
        { InnerException: SocketException or TimeoutException } => new(
            $"{Hosts(url)} does not answer", "check host, port and what is between: firewalls, security groups"),
        { InnerException: AuthenticationException } => new(
            $"its TLS certificate is not accepted: {error.InnerException.Message}", "name the authority that signed it with sslrootcert=FILE, or connect by the name that is in it"),
        _ when error.Message.Contains("No password", StringComparison.Ordinal) => new(
            $"it asks for a password of \"{url.User}\"", "give it in PGPASSWORD, in a file named by passfile=, or in the URL"),
        _ when error.Message.Contains("SSL", StringComparison.Ordinal) => new(
            "it speaks no TLS, and without TLS nothing leaves this machine", "turn ssl on in postgresql.conf, or say sslmode=disable in the URL"),
        _ => new(error.InnerException?.Message ?? error.Message, "see PostgreSQL's log"),
    };

    private static string Hosts(PostgresUrl url) => string.Join(", ", url.Hosts);
}
