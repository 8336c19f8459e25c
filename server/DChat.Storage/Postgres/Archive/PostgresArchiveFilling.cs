using DChat.Core.Messages;
using Npgsql;
using NpgsqlTypes;

namespace DChat.Storage.Postgres.Archive;

/// <summary>Puts the pieces of rooms into empty tables, by COPY.</summary>
internal sealed class PostgresArchiveFilling : IAsyncDisposable
{
    private readonly NpgsqlConnection _connection;
    private readonly TimeProvider _time;
    private long _key;

    private PostgresArchiveFilling(NpgsqlConnection connection, string id, TimeProvider time) => (_connection, Id, _time) = (connection, id, time);

    /// <summary>The store's id when all is in.</summary>
    public string Id { get; }

    /// <summary>Empties the tables: what is in them was looked at.</summary>
    public static async Task<PostgresArchiveFilling> BeginAsync(NpgsqlDataSource source, TimeProvider time, CancellationToken cancellation)
    {
        var connection = await source.OpenConnectionAsync(cancellation);
        try
        {
            await using var command = new NpgsqlCommand(
                $"""
                TRUNCATE rooms, messages, answers, reactions, mentions, read_marks, search;
                SET synchronous_commit = off;
                UPDATE store SET id = '{UnfinishedStore.Prefix}' || replace(gen_random_uuid()::text, '-', '') RETURNING id
                """,
                connection);
            var unfinished = (string)(await command.ExecuteScalarAsync(cancellation))!;
            return new PostgresArchiveFilling(connection, unfinished[UnfinishedStore.Prefix.Length..], time);
        }
        catch
        {
            await connection.DisposeAsync();
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

    /// <summary>The commit of this one is waited for, and with it all before are on the disk.</summary>
    public async Task EndAsync(CancellationToken cancellation)
    {
        await using (var analyze = new NpgsqlCommand("SET synchronous_commit = on; ANALYZE rooms, messages, answers, reactions, mentions, read_marks", _connection))
        {
            await analyze.ExecuteNonQueryAsync(cancellation);
        }

        await using var command = new NpgsqlCommand($"UPDATE store SET id = substr(id, {UnfinishedStore.Prefix.Length + 1})", _connection);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

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
