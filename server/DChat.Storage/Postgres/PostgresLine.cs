using Npgsql;

namespace DChat.Storage.Postgres;

/// <summary>Where a primary writes: every promotion begins a later timeline of the same system.</summary>
/// <param name="System">0: it does not say.</param>
internal readonly record struct PostgresLine(long System, long Timeline)
{
    /// <summary>
    /// What a host is. The timeline of its last checkpoint would be an earlier one for a while after it was promoted; that in the name of the file that it
    /// writes to is the true one, and is told by a primary only.
    /// </summary>
    private const string State =
        """
        SELECT pg_is_in_recovery(), CASE WHEN NOT pg_is_in_recovery() THEN left(pg_walfile_name(pg_current_wal_lsn()), 8) END,
            (SELECT system_identifier FROM pg_control_system())
        """;

    public bool IsKnown => System != 0;

    public bool IsAfter(PostgresLine other) => IsKnown && System == other.System && Timeline > other.Timeline;

    /// <summary>It is a standby, which cannot be written; the server says so itself, and says it anew when that changes.</summary>
    public static bool IsStandby(NpgsqlConnection connection) => connection.PostgresParameters.TryGetValue("in_hot_standby", out var state) && state == "on";

    /// <summary>Asks the server at the other end.</summary>
    public static async Task<(bool IsStandby, PostgresLine Line)> ReadAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        try
        {
            await using var command = new NpgsqlCommand(State, connection);
            command.CommandTimeout = PostgresSources.LimitSeconds;
            await using var row = await command.ExecuteReaderAsync(cancellation);
            await row.ReadAsync(cancellation);
            return row.GetBoolean(0) ? (true, default) : (false, new PostgresLine(row.GetInt64(2), Convert.ToInt64(row.GetString(1), 16)));
        }
        catch (PostgresException refused) when (refused.SqlState is PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.FeatureNotSupported
            or PostgresErrorCodes.UndefinedFunction or PostgresErrorCodes.ObjectNotInPrerequisiteState)
        {
            return (IsStandby(connection), default);
        }
    }
}
