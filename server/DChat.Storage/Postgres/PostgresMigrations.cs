using System.Globalization;
using System.IO;
using DChat.Core.Messages;
using Npgsql;

namespace DChat.Storage.Postgres;

/// <summary>One step of the schema.</summary>
internal sealed record PostgresMigration(int Version, string Sql)
{
    /// <summary>All steps, in order.</summary>
    public static IReadOnlyList<PostgresMigration> All { get; } = [new(1, Read("001-messages.sql"))];

    /// <summary>What a program that does not know it works beside: it is made at a start where it is missing, and raises no version, so that old and new ones run side by side.</summary>
    public static string Additions { get; } = Read("additions.sql");

    private static string Read(string name)
    {
        using var stream = typeof(PostgresMigration).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"{name} is not built in");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}

/// <summary>The database is of a newer version of this program, or cannot hold its tables. The message names the remedy.</summary>
public sealed class PostgresSchemaException(string message) : Exception(message);

/// <summary>Brings the tables up to date, in one transaction, one process at a time.</summary>
internal static class PostgresMigrations
{
    /// <summary>Of the advisory lock, so that it meets no other program's: "dcms".</summary>
    public const int LockClass = 0x64636D73;

    /// <summary>Who migrates.</summary>
    private const int LockOfMigration = 1;

    /// <summary>Older ones lack what the fence relies on (idle_session_timeout, pg_terminate_backend that waits).</summary>
    private const int ServerVersionMin = 140_000;

    public static void Apply(NpgsqlDataSource source, PostgresUrl url, IReadOnlyList<PostgresMigration> migrations)
    {
        using var connection = source.OpenConnection();
        CheckServer(connection, url);
        using var transaction = connection.BeginTransaction();
        Execute(connection, "SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL enable_seqscan = on");
        Execute(connection, string.Create(CultureInfo.InvariantCulture, $"SELECT pg_advisory_xact_lock({LockClass}, {LockOfMigration})"));
        if (Read(connection, $"SELECT to_regnamespace('{PostgresSources.Schema}') IS NULL") is true)
        {
            Execute(connection, $"CREATE SCHEMA {PostgresSources.Schema}");
        }

        Execute(connection, "CREATE TABLE IF NOT EXISTS schema_versions (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())");
        var current = (int)Read(connection, "SELECT coalesce(max(version), 0) FROM schema_versions")!;
        if (current > migrations[^1].Version)
        {
            throw new PostgresSchemaException(
                $"The message store '{url}' has schema {current}; this program knows up to {migrations[^1].Version}. Remedy: run the newer version that wrote it, or restore a backup of before the upgrade.");
        }

        foreach (var migration in migrations.Where(migration => migration.Version > current))
        {
            Execute(connection, migration.Sql);
            Execute(connection, string.Create(CultureInfo.InvariantCulture, $"INSERT INTO schema_versions (version) VALUES ({migration.Version})"));
        }

        Execute(connection, PostgresMigration.Additions);
        transaction.Commit();
    }

    private static void CheckServer(NpgsqlConnection connection, PostgresUrl url)
    {
        if ((int)Read(connection, "SELECT current_setting('server_version_num')::integer")! < ServerVersionMin)
        {
            throw new PostgresSchemaException($"'{url}' is PostgreSQL {connection.PostgreSqlVersion}. Remedy: use version {ServerVersionMin / 10_000} or newer.");
        }

        if (Read(connection, "SHOW server_encoding") is not "UTF8")
        {
            throw new PostgresSchemaException($"The database of '{url}' is not encoded in UTF-8. Remedy: make one that is: createdb --encoding UTF8 --template template0 NAME.");
        }

        if (Read(connection, "SELECT pg_is_in_recovery()") is true)
        {
            throw new MessageStoreUnavailableException($"'{url}' is a standby, which cannot be written. Remedy: name the primary, or all hosts, separated by commas.");
        }
    }

    private static void Execute(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }

    private static object? Read(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        return command.ExecuteScalar();
    }
}
