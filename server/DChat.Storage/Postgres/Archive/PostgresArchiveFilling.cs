using System.Globalization;
using DChat.Core.Messages;
using Npgsql;
using NpgsqlTypes;

namespace DChat.Storage.Postgres.Archive;

/// <summary>Puts the pieces of rooms into empty tables, by COPY. The session that fills has a lock to itself: what two put there would be nobody's.</summary>
internal sealed class PostgresArchiveFilling : IAsyncDisposable
{
    /// <summary>Of the advisory lock: who fills.</summary>
    private const int LockOfFilling = 3;

    private const string Begin =
        $"""
        UPDATE store SET id = '{UnfinishedStore.Prefix}' || replace(gen_random_uuid()::text, '-', '')
        WHERE id LIKE '{UnfinishedStore.Prefix}%' OR id = $1 OR NOT EXISTS (SELECT FROM rooms) RETURNING id
        """;

    private const string BeginOthers =
        """
        INSERT INTO rooms (id, epoch, rev, removed_rev, indexed_rev)
        SELECT i.id, $1, $2, $2, $2 FROM unnest($3) AS i (id)
        WHERE NOT EXISTS (SELECT FROM rooms r WHERE r.id = i.id)
        """;

    private readonly ArchivePrimary _primary;
    private readonly NpgsqlConnection _connection;
    private readonly PostgresUrl _url;
    private readonly TimeProvider _time;
    private long _key;

    private PostgresArchiveFilling(ArchivePrimary primary, NpgsqlConnection connection, string id, PostgresUrl url, TimeProvider time) =>
        (_primary, _connection, Id, _url, _time) = (primary, connection, id, url, time);

    /// <summary>The store's id when all is in.</summary>
    public string Id { get; }

    /// <summary>Empties the tables, in which nothing was ever said, or what an interrupted filling left.</summary>
    /// <param name="again">The id of a store that is emptied though it holds rooms.</param>
    /// <exception cref="MessageStoreUnavailableException">Another fills them, or they hold rooms.</exception>
    public static async Task<PostgresArchiveFilling> BeginAsync(ArchivePrimary primary, PostgresUrl url, string? again, TimeProvider time, CancellationToken cancellation)
    {
        var connection = await primary.OpenAsync(cancellation);
        try
        {
            await using var locking = new NpgsqlCommand(string.Create(CultureInfo.InvariantCulture, $"SELECT pg_try_advisory_lock({PostgresMigrations.LockClass}, {LockOfFilling})"), connection);
            if (await locking.ExecuteScalarAsync(cancellation) is not true)
            {
                throw PostgresFailures.Unavailable("another restore fills it. Remedy: let that one end, or stop it", null, url);
            }

            await using var transaction = await connection.BeginTransactionAsync(cancellation);
            await ExecuteAsync(connection, "LOCK TABLE rooms; SET synchronous_commit = off", cancellation);
            await using var begin = new NpgsqlCommand(Begin, connection);
            begin.Parameters.Add(new NpgsqlParameter<string> { TypedValue = again ?? "" });
            if (await begin.ExecuteScalarAsync(cancellation) is not string unfinished)
            {
                throw PostgresFailures.Unavailable("it holds rooms by now. Remedy: give an empty one", null, url);
            }

            await ExecuteAsync(connection, "TRUNCATE rooms, messages, answers, reactions, mentions, read_marks, search", cancellation);
            await transaction.CommitAsync(cancellation);
            return new PostgresArchiveFilling(primary, connection, unfinished[UnfinishedStore.Prefix.Length..], url, time);
        }
        catch
        {
            await EndAsync(primary, connection);
            throw;
        }
    }

    public Task PutAsync(RoomPiece piece, long epoch, CancellationToken cancellation) => piece switch
    {
        RoomHead head => PutAsync(head, epoch, cancellation),
        RoomMessages messages => PutAsync(messages, cancellation),
        RoomAnswers answers => CopyAsync("answers (room_key, author, client_id, seq, rev, sent_at)", answers.Answers, Write, cancellation),
        RoomReactions reactions => CopyAsync("reactions (message_id, user_name, emoji, ordinal)", reactions.Reactions, Write, cancellation),
        RoomMarks marks => CopyAsync("read_marks (room_key, user_name, seq)", marks.Marks, Write, cancellation),
        _ => throw new InvalidDataException($"a piece {piece.GetType().Name} is not known"),
    };

    /// <summary>Rooms of which nothing came begin where nobody was. The commit of this one is waited for, and with it all before are on the disk.</summary>
    /// <exception cref="MessageStoreUnavailableException">It is another's by now.</exception>
    public async Task EndAsync(RoomLift lift, IReadOnlyCollection<string> known, CancellationToken cancellation)
    {
        await using var others = new NpgsqlCommand(BeginOthers, _connection);
        others.Parameters.Add(new NpgsqlParameter<long> { TypedValue = lift.Epoch });
        others.Parameters.Add(new NpgsqlParameter<long> { TypedValue = lift.First });
        others.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. known] });
        await others.ExecuteNonQueryAsync(cancellation);
        await ExecuteAsync(_connection, "SET synchronous_commit = on; ANALYZE rooms, messages, answers, reactions, mentions, read_marks", cancellation);
        await using var end = new NpgsqlCommand("UPDATE store SET id = $1 WHERE id = $2", _connection);
        end.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Id });
        end.Parameters.Add(new NpgsqlParameter<string> { TypedValue = UnfinishedStore.Prefix + Id });
        if (await end.ExecuteNonQueryAsync(cancellation) != 1)
        {
            throw PostgresFailures.Unavailable("what was put there is not this restore's any more: another has begun there since. Remedy: stop all that use it, and restore again", null, _url);
        }
    }

    public async ValueTask DisposeAsync() => await EndAsync(_primary, _connection);

    /// <summary>Ends the session, and with it the lock: returned to the pool, it would keep it.</summary>
    private static async Task EndAsync(ArchivePrimary primary, NpgsqlConnection connection)
    {
        primary.Clear();
        await connection.DisposeAsync();
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private async Task PutAsync(RoomHead head, long epoch, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            """
            INSERT INTO rooms (id, epoch, seq, rev, last_sent_at, removed_seq, removed_rev, indexed_removed, dirty_since)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $6, CASE WHEN $4 > 0 THEN $8 END) RETURNING key
            """,
            _connection);
        foreach (var value in (object[])[head.Room, epoch, head.Seq, head.Rev, head.LastSentAt, head.RemovedSeq, head.RemovedRev, _time.GetUtcNow().ToUnixTimeMilliseconds()])
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        _key = (long)(await command.ExecuteScalarAsync(cancellation))!;
    }

    private async Task PutAsync(RoomMessages piece, CancellationToken cancellation)
    {
        await CopyAsync(
            "messages (id, room_key, rev, kind, author, client_id, sent_at, body, reply_to, edited_at, deleted_at, files, reactions)",
            piece.Messages,
            (row, each) => Write(row, each.Message),
            cancellation);
        var mentions = piece.Messages.SelectMany(each => each.Mentions.Distinct(StringComparer.Ordinal).Select(user => (User: user, each.Message.Seq))).ToList();
        await CopyAsync("mentions (room_key, user_name, message_id)", mentions, Write, cancellation);
    }

    private void Write(NpgsqlBinaryImporter row, Message message)
    {
        row.Write(RowId.Of(Key, message.Seq), NpgsqlDbType.Bigint);
        row.Write(Key, NpgsqlDbType.Bigint);
        row.Write(message.Rev, NpgsqlDbType.Bigint);
        row.Write((short)message.Kind, NpgsqlDbType.Smallint);
        row.Write(message.Author, NpgsqlDbType.Text);
        row.Write(message.ClientId, NpgsqlDbType.Text);
        row.Write(message.SentAt, NpgsqlDbType.Bigint);
        row.Write(message.Body, NpgsqlDbType.Text);
        WriteOptional(row, message.ReplyTo);
        WriteOptional(row, message.EditedAt);
        WriteOptional(row, message.DeletedAt);
        WriteOptional(row, MessageJson.Write(message.Files));
        WriteOptional(row, MessageJson.Write(message.Reactions));
    }

    private void Write(NpgsqlBinaryImporter row, (string User, long Seq) mention)
    {
        row.Write(Key, NpgsqlDbType.Bigint);
        row.Write(mention.User, NpgsqlDbType.Text);
        row.Write(RowId.Of(Key, mention.Seq), NpgsqlDbType.Bigint);
    }

    private void Write(NpgsqlBinaryImporter row, ArchivedAnswer answer)
    {
        row.Write(Key, NpgsqlDbType.Bigint);
        row.Write(answer.Author, NpgsqlDbType.Text);
        row.Write(answer.ClientId, NpgsqlDbType.Text);
        row.Write(answer.Seq, NpgsqlDbType.Bigint);
        row.Write(answer.Rev, NpgsqlDbType.Bigint);
        row.Write(answer.SentAt, NpgsqlDbType.Bigint);
    }

    private void Write(NpgsqlBinaryImporter row, ArchivedReaction reaction)
    {
        row.Write(RowId.Of(Key, reaction.Seq), NpgsqlDbType.Bigint);
        row.Write(reaction.User, NpgsqlDbType.Text);
        row.Write(reaction.Emoji, NpgsqlDbType.Text);
        row.Write(reaction.Ordinal, NpgsqlDbType.Bigint);
    }

    private void Write(NpgsqlBinaryImporter row, ArchivedMark mark)
    {
        row.Write(Key, NpgsqlDbType.Bigint);
        row.Write(mark.User, NpgsqlDbType.Text);
        row.Write(mark.Seq, NpgsqlDbType.Bigint);
    }

    private static void WriteOptional(NpgsqlBinaryImporter row, long? value)
    {
        if (value is { } some)
        {
            row.Write(some, NpgsqlDbType.Bigint);
        }
        else
        {
            row.WriteNull();
        }
    }

    private static void WriteOptional(NpgsqlBinaryImporter row, string? value)
    {
        if (value is null)
        {
            row.WriteNull();
        }
        else
        {
            row.Write(value, NpgsqlDbType.Text);
        }
    }

    private async Task CopyAsync<T>(string columns, IReadOnlyList<T> rows, Action<NpgsqlBinaryImporter, T> write, CancellationToken cancellation)
    {
        if (rows.Count == 0)
        {
            return;
        }

        await using var import = await _connection.BeginBinaryImportAsync($"COPY {columns} FROM STDIN (FORMAT BINARY)", cancellation);
        foreach (var row in rows)
        {
            await import.StartRowAsync(cancellation);
            write(import, row);
        }

        await import.CompleteAsync(cancellation);
    }

    private long Key => _key > 0 ? _key : throw new InvalidDataException("a piece belongs to no room");
}
