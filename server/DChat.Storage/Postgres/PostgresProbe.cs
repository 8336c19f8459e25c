using System.Net.Sockets;
using System.Security.Authentication;
using Npgsql;
using Polly;
using Polly.Retry;

namespace DChat.Storage.Postgres;

/// <summary>Looks whether a server can use a database, and says in words of its operator what is in the way.</summary>
public static class PostgresProbe
{
    private const int StartingRetries = 20;
    private static readonly TimeSpan StartingDelay = TimeSpan.FromMilliseconds(500);

    /// <summary>What is wrong, and what to do about it.</summary>
    public readonly record struct Finding(string Problem, string Remedy);

    /// <summary>Null where all is well. A PostgreSQL that is starting is waited for, 10 s at most.</summary>
    public static Finding? Look(PostgresUrl url)
    {
        var untilStarted = new ResiliencePipelineBuilder()
            .AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = StartingRetries,
                Delay = StartingDelay,
                ShouldHandle = new PredicateBuilder().Handle<PostgresException>(error => error.SqlState == PostgresErrorCodes.CannotConnectNow),
            })
            .Build();
        using var source = PostgresSources.ForSetup(url);
        try
        {
            return untilStarted.Execute(() => LookInside(source, url));
        }
        catch (NpgsqlException error)
        {
            return Explain(error, url);
        }
    }

    private static Finding? LookInside(NpgsqlDataSource source, PostgresUrl url)
    {
        using var connection = source.OpenConnection();
        using var command = new NpgsqlCommand(
            $"""
            SELECT CASE WHEN to_regnamespace('{PostgresSources.Schema}') IS NULL
                THEN has_database_privilege(current_database(), 'CREATE')
                ELSE has_schema_privilege('{PostgresSources.Schema}', 'USAGE') AND has_schema_privilege('{PostgresSources.Schema}', 'CREATE')
            END
            """,
            connection);
        return command.ExecuteScalar() is true
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
