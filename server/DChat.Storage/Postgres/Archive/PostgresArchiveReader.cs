using System.Runtime.CompilerServices;
using DChat.Core.Messages;
using DChat.Storage.Postgres.Messages;
using Npgsql;

namespace DChat.Storage.Postgres.Archive;

/// <summary>Reads all rooms, each in a transaction of its own that sees one state, so that what is dead can be vacuumed meanwhile.</summary>
internal sealed class PostgresArchiveReader(NpgsqlConnection connection)
{
    /// <summary>Rows fetched at once: a long room is not read as a whole.</summary>
    private const int RowsAtOnce = RoomPieces.Rows;

    private const string NextRoom =
        "SELECT key, id, seq, rev, last_sent_at, removed_seq, removed_rev FROM rooms WHERE key > $1 AND epoch < 9223372036854775807 ORDER BY key LIMIT 1";

    private static readonly string Messages =
        $"""
        SELECT {MessageRow.Columns}, ARRAY(SELECT n.user_name FROM mentions n WHERE n.message_id = m.id ORDER BY n.user_name)
        FROM messages m WHERE m.id > $1 AND m.id <= $2 ORDER BY m.id LIMIT $3
        """;

    private const string Answers =
        "SELECT author, client_id, seq, rev, sent_at FROM answers WHERE room_key = $1 AND (author, client_id) > ($2, $3) ORDER BY author, client_id LIMIT $4";

    private const string Reactions =
        """
        SELECT message_id, user_name, emoji, ordinal FROM reactions
        WHERE message_id <= $4 AND (message_id, user_name, emoji) > ($1, $2, $3) ORDER BY message_id, user_name, emoji LIMIT $5
        """;

    private const string Marks = "SELECT user_name, seq FROM read_marks WHERE room_key = $1 AND user_name > $2 ORDER BY user_name LIMIT $3";

    public async IAsyncEnumerable<RoomPiece> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        for (var key = 0L; ;)
        {
            await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellation);
            var rooms = await RowsAsync(
                NextRoom,
                row => (Key: row.GetInt64(0), Head: new RoomHead(row.GetString(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4), row.GetInt64(5), row.GetInt64(6))),
                cancellation,
                key);
            if (rooms is not [var room])
            {
                yield break;
            }

            key = room.Key;
            yield return room.Head;
            await foreach (var piece in ReadRoomAsync(key, cancellation))
            {
                yield return piece;
            }
        }
    }

    private async IAsyncEnumerable<RoomPiece> ReadRoomAsync(long key, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var last = RowId.Of(key, RowId.SeqMax);
        for (var from = RowId.Of(key, 0); ;)
        {
            var rows = await RowsAsync(Messages, ReadMessage, cancellation, from, last, RowsAtOnce);
            foreach (var piece in PieceSplitter.Messages(rows))
            {
                yield return piece;
            }

            if (rows.Count < RowsAtOnce)
            {
                break;
            }

            from = RowId.Of(key, rows[^1].Message.Seq);
        }

        for (var (author, clientId) = ("", ""); ;)
        {
            var rows = await RowsAsync(
                Answers,
                row => new ArchivedAnswer(row.GetString(0), row.GetString(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4)),
                cancellation,
                key,
                author,
                clientId,
                RowsAtOnce);
            foreach (var piece in PieceSplitter.Answers(rows))
            {
                yield return piece;
            }

            if (rows.Count < RowsAtOnce)
            {
                break;
            }

            (author, clientId) = (rows[^1].Author, rows[^1].ClientId);
        }

        for (var (from, user, emoji) = (RowId.Of(key, 0), "", ""); ;)
        {
            var rows = await RowsAsync(
                Reactions,
                row => new ArchivedReaction(RowId.Seq(row.GetInt64(0)), row.GetString(1), row.GetString(2), row.GetInt64(3)),
                cancellation,
                from,
                user,
                emoji,
                last,
                RowsAtOnce);
            foreach (var piece in PieceSplitter.Reactions(rows))
            {
                yield return piece;
            }

            if (rows.Count < RowsAtOnce)
            {
                break;
            }

            (from, user, emoji) = (RowId.Of(key, rows[^1].Seq), rows[^1].User, rows[^1].Emoji);
        }

        for (var user = ""; ;)
        {
            var rows = await RowsAsync(Marks, row => new ArchivedMark(row.GetString(0), row.GetInt64(1)), cancellation, key, user, RowsAtOnce);
            foreach (var piece in PieceSplitter.Marks(rows))
            {
                yield return piece;
            }

            if (rows.Count < RowsAtOnce)
            {
                break;
            }

            user = rows[^1].User;
        }
    }

    private static ArchivedMessage ReadMessage(NpgsqlDataReader row) =>
        new(MessageRow.Read(row, 0, withMine: false), row.GetFieldValue<string[]>(MessageRow.Count));

    private async Task<List<T>> RowsAsync<T>(string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancellation, params object[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        await using var row = await command.ExecuteReaderAsync(cancellation);
        var rows = new List<T>();
        while (await row.ReadAsync(cancellation))
        {
            rows.Add(read(row));
        }

        return rows;
    }
}
