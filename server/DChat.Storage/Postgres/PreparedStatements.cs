using System.Data;
using Npgsql;

namespace DChat.Storage.Postgres;

/// <summary>Batches on connections whose statements the driver prepares by itself.</summary>
internal static class PreparedStatements
{
    /// <summary>
    /// Runs a batch. After an error in the middle of one the driver may take one prepared statement for another (as in npgsql/npgsql#3002 and #4082), and what is read
    /// next is another statement's rows: what was prepared on the connection is forgotten then, on both sides.
    /// </summary>
    public static async Task GuardAsync(NpgsqlConnection connection, Func<Task> batch)
    {
        try
        {
            await batch();
        }
        catch (PostgresException) when (connection.FullState == ConnectionState.Open)
        {
            connection.UnprepareAll();
            throw;
        }
    }
}
