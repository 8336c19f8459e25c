using Microsoft.Data.Sqlite;

namespace DChat.Storage.Sqlite;

/// <summary>A step of a schema, from version <c>Version - 1</c> to <paramref name="Version"/>. Once released it is never changed.</summary>
internal sealed record SqliteMigration(int Version, string Script);

/// <summary>Brings a database to the newest schema that this program knows: forward only, one transaction a step.</summary>
internal static class SqliteMigrations
{
    /// <param name="applicationId">SQLite's mark of whose file it is; keeps the program from writing into a database of another.</param>
    /// <param name="migrations">Numbered 1, 2, 3, …</param>
    /// <exception cref="SqliteSchemaException">The file belongs to another program, or to a newer version of this one.</exception>
    /// <exception cref="SqliteException">See <see cref="SqliteFailures.Classify"/>.</exception>
    public static void Apply(SqliteSession session, string path, int applicationId, IReadOnlyList<SqliteMigration> migrations, TimeProvider time)
    {
        var version = ReadVersion(session, path, applicationId);
        if (version > migrations.Count)
        {
            throw new SqliteSchemaException(
                $"'{path}' has schema version {version}, but this program knows only {migrations.Count}. Remedy: start the newer dchat-server that wrote it.");
        }

        foreach (var migration in migrations.Skip(version))
        {
            session.Write(() =>
            {
                session.Execute(migration.Script);
                session.Execute($"INSERT INTO schema_versions(version, applied_at) VALUES ({migration.Version}, {time.GetUtcNow().ToUnixTimeMilliseconds()})");
                return true;
            });
        }
    }

    private static int ReadVersion(SqliteSession session, string path, int applicationId)
    {
        if (session.ReadText("SELECT count(*) FROM sqlite_schema") == "0")
        {
            session.Write(() =>
            {
                session.Execute($"PRAGMA application_id = {applicationId}");
                session.Execute("CREATE TABLE schema_versions(version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT");
                return true;
            });
            return 0;
        }

        return session.ReadText("PRAGMA application_id") == applicationId.ToString()
            ? int.Parse(session.ReadText("SELECT coalesce(max(version), 0) FROM schema_versions"))
            : throw new SqliteSchemaException($"'{path}' is a SQLite database of another program. Remedy: name another file, or move this one away.");
    }
}

/// <summary>The file is sound but not this program's to use; the message says why and what to do.</summary>
public sealed class SqliteSchemaException(string message) : Exception(message);
