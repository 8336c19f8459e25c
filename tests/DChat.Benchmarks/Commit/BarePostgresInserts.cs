using Npgsql;

namespace DChat.Benchmarks.Commit;

/// <summary>The yardstick: rows of messages and answers into the store's own schema, from arrays, prepared, durable, and nothing else.</summary>
internal sealed class BarePostgresInserts : IAsyncDisposable
{
    /// <summary>Far from the keys that the store gives to its rooms.</summary>
    private const long FirstKey = 100_000_000;

    private readonly NpgsqlConnection _connection;
    private long _batch;

    private BarePostgresInserts(NpgsqlConnection connection) => _connection = connection;

    /// <param name="connectionString">Of a database that a message store has migrated.</param>
    public static async Task<BarePostgresInserts> OpenAsync(string connectionString)
    {
        var connection = new NpgsqlConnection(connectionString + ";Search Path=dchat;Max Auto Prepare=4;Auto Prepare Min Usages=2;Pooling=false");
        await connection.OpenAsync();
        return new BarePostgresInserts(connection);
    }

    public async Task InsertAsync(int rows, int rooms)
    {
        var each = rows / rooms;
        var first = _batch++ * each;
        var (ids, keys, seqs) = (new long[rows], new long[rows], new long[rows]);
        var (authors, clients, bodies) = (new string[rows], new string[rows], new string[rows]);
        for (var i = 0; i < rows; i++)
        {
            var (room, seq) = (FirstKey + (i / each), first + (i % each) + 1);
            (ids[i], keys[i], seqs[i]) = ((room << 36) | seq, room, seq);
            (authors[i], clients[i], bodies[i]) = ($"user{i}", Guid.NewGuid().ToString(), BareInserts.Body);
        }

        await using var batch = new NpgsqlBatch(_connection);
        Add(
            batch,
            """
            INSERT INTO messages (id, room_key, rev, kind, author, client_id, sent_at, body)
            SELECT id, room, seq, 0, author, client, seq, body FROM unnest($1, $2, $3, $4, $5, $6) AS i (id, room, seq, author, client, body)
            """,
            ids,
            keys,
            seqs,
            authors,
            clients,
            bodies);
        Add(
            batch,
            "INSERT INTO answers SELECT room, author, client, seq, seq, seq FROM unnest($1, $2, $3, $4) AS i (room, seq, author, client)",
            keys,
            seqs,
            authors,
            clients);
        await batch.ExecuteNonQueryAsync();
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private static void Add(NpgsqlBatch batch, string sql, params Array[] columns)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var column in columns)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = column });
        }

        batch.BatchCommands.Add(command);
    }
}
