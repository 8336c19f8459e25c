using DChat.Core.Messages;
using Npgsql;

namespace DChat.Storage.Postgres.Messages;

/// <summary>Reads pages. Each is one statement, and so one state of the room.</summary>
internal sealed class PageReader(PostgresPool source)
{
    private static readonly string ColumnsWithMine = $"{MessageRow.Columns}, {MessageRow.Mine("$4")}";

    private static readonly string After =
        $"""
        SELECT r.rev, r.removed_seq, r.removed_rev, {ColumnsWithMine}
        FROM rooms r
        LEFT JOIN LATERAL (
            (SELECT c.* FROM messages c WHERE c.room_key = r.key AND c.rev > $2 AND $2 BETWEEN r.removed_rev AND r.rev ORDER BY c.rev LIMIT $3)
            UNION ALL
            (SELECT n.* FROM messages n WHERE n.id > (r.key << 36) + r.removed_seq AND n.id <= (r.key << 36) + r.seq
                AND NOT $2 BETWEEN r.removed_rev AND r.rev ORDER BY n.id DESC LIMIT $3 - 1)
        ) m ON true
        WHERE r.id = $1 AND r.epoch < 9223372036854775807
        """;

    private static readonly string Before =
        $"""
        SELECT r.removed_seq, {ColumnsWithMine}
        FROM rooms r
        CROSS JOIN LATERAL (
            SELECT n.* FROM messages n
            WHERE n.id > (r.key << 36) + r.removed_seq AND n.id < (r.key << 36) + greatest(least($2, r.seq + 1), 0)
            ORDER BY n.id DESC LIMIT $3) m
        WHERE r.id = $1 AND r.epoch < 9223372036854775807
        """;

    private static readonly string One =
        $"""
        SELECT {MessageRow.Columns}, {MessageRow.Mine("$3")}
        FROM rooms r JOIN messages m ON m.id = (r.key << 36) + $2
        WHERE r.id = $1 AND r.epoch < 9223372036854775807 AND $2 > r.removed_seq AND $2 <= r.seq
        """;

    /// <summary>
    /// That there is none must be true: a standby may not have it yet, and a pooler hides what it is. And one that there is must be a synchronous standby's too: the lock
    /// makes this a transaction that commits, which waits until the standbys have it, and with it all that it saw. It is nobody else's that changes anything.
    /// </summary>
    private const string Answer =
        """
        SELECT pg_is_in_recovery(), f.* FROM (VALUES (true)) one LEFT JOIN (
            SELECT a.seq, a.rev, a.sent_at
            FROM rooms r JOIN answers a ON a.room_key = r.key AND a.author = $2 AND a.client_id = $3
            WHERE r.id = $1 AND r.epoch < 9223372036854775807 FOR KEY SHARE OF a) f ON true
        """;

    private const string LastSent = "SELECT i.at, r.last_sent_at FROM unnest($1::text[]) WITH ORDINALITY AS i (id, at) JOIN rooms r ON r.id = i.id";
    private const string Epochs = "SELECT i.at, r.epoch FROM unnest($1::text[]) WITH ORDINALITY AS i (id, at) JOIN rooms r ON r.id = i.id";

    public async Task<ChangesPage> AfterAsync(string room, long afterRev, int limit, string? reader, CancellationToken cancellation)
    {
        await using var connection = await source.OpenAsync(cancellation);
        await using var command = Command(connection, After, Of(room), Of(afterRev), Of(limit + 1), OfText(reader));
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var (rev, removedSeq, reset) = (0L, 0L, afterRev != 0);
        var messages = new List<Message>();
        while (await row.ReadAsync(cancellation))
        {
            (rev, removedSeq) = (row.GetInt64(0), row.GetInt64(1));
            reset = afterRev > rev || afterRev < row.GetInt64(2);
            if (!await row.IsDBNullAsync(3, cancellation))
            {
                messages.Add(MessageRow.Read(row, 3, withMine: true));
            }
        }

        if (reset)
        {
            messages.Sort((a, b) => a.Seq.CompareTo(b.Seq));
            return new ChangesPage(true, rev, messages, messages.Count > 0 && messages[0].Seq > removedSeq + 1);
        }

        messages.Sort((a, b) => a.Rev.CompareTo(b.Rev));
        var more = messages.Count > limit;
        return new ChangesPage(false, rev, more ? messages[..limit] : messages, more);
    }

    public async Task<MessagesPage> BeforeAsync(string room, long? beforeSeq, int limit, string? reader, CancellationToken cancellation)
    {
        await using var connection = await source.OpenAsync(cancellation);
        await using var command = Command(connection, Before, Of(room), Of(beforeSeq ?? long.MaxValue), Of(limit), OfText(reader));
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var removedSeq = 0L;
        var messages = new List<Message>();
        while (await row.ReadAsync(cancellation))
        {
            removedSeq = row.GetInt64(0);
            messages.Add(MessageRow.Read(row, 1, withMine: true));
        }

        messages.Sort((a, b) => a.Seq.CompareTo(b.Seq));
        return new MessagesPage(messages, messages.Count > 0 && messages[0].Seq > removedSeq + 1);
    }

    public async Task<Message?> FindAsync(string room, long seq, string? reader, CancellationToken cancellation)
    {
        await using var connection = await source.OpenAsync(cancellation);
        await using var command = Command(connection, One, Of(room), Of(Math.Clamp(seq, 0, RowId.SeqMax)), OfText(reader));
        await using var row = await command.ExecuteReaderAsync(cancellation);
        return await row.ReadAsync(cancellation) ? MessageRow.Read(row, 0, withMine: true) : null;
    }

    public async Task<ChangeAnswer?> FindAnswerAsync(string room, string author, string clientId, CancellationToken cancellation)
    {
        await using var connection = await source.OpenAsync(cancellation);
        await using var command = Command(connection, Answer, Of(room), Of(author), Of(clientId));
        await using var row = await command.ExecuteReaderAsync(cancellation);
        if (!await row.ReadAsync(cancellation) || row.GetBoolean(0))
        {
            throw new StandbyException();
        }

        ChangeAnswer? answer = await row.IsDBNullAsync(1, cancellation) ? null : new ChangeAnswer(row.GetInt64(1), row.GetInt64(2), row.GetInt64(3));
        await row.NextResultAsync(cancellation); // The commit.
        return answer;
    }

    /// <param name="source">Not a reader's: a host's rooms stand or fall by it.</param>
    public static async Task<IReadOnlyList<long>> EpochsAsync(PostgresPool source, IReadOnlyList<string> rooms, CancellationToken cancellation)
    {
        await using var connection = await source.OpenAsync(cancellation);
        await using var command = Command(connection, Epochs, Of(rooms.ToArray()));
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var epochs = new long[rooms.Count];
        while (await row.ReadAsync(cancellation))
        {
            epochs[row.GetInt64(0) - 1] = row.GetInt64(1);
        }

        return epochs;
    }

    public async Task<IReadOnlyList<long>> LastSentAsync(IReadOnlyList<string> rooms, CancellationToken cancellation)
    {
        await using var connection = await source.OpenAsync(cancellation);
        await using var command = Command(connection, LastSent, Of(rooms.ToArray()));
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var sent = new long[rooms.Count];
        while (await row.ReadAsync(cancellation))
        {
            sent[row.GetInt64(0) - 1] = row.GetInt64(1);
        }

        return sent;
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params NpgsqlParameter[] parameters)
    {
        var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddRange(parameters);
        return command;
    }

    private static NpgsqlParameter<T> Of<T>(T value) => new() { TypedValue = value };

    private static NpgsqlParameter OfText(string? value) => new() { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text };
}
