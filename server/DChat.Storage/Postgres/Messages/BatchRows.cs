using System.Buffers;
using System.Text;
using System.Text.Json;
using DChat.Core.Messages;
using Npgsql;
using NpgsqlTypes;

namespace DChat.Storage.Postgres.Messages;

/// <summary>The arguments of <c>write_rooms</c>: one batch, as the columns of what it writes. Rooms come in order of their ids.</summary>
internal sealed class BatchRows
{
    /// <summary>How far ahead of the server's clock a message may be dated, in milliseconds: the clocks of hosts differ a little.</summary>
    public const int AheadMs = 60_000;

    // Times are capped here and not in the function: versions before date messages in their answers as they were given.
    private static readonly string Sql =
        $"""
        WITH c AS MATERIALIZED (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint + {AheadMs} AS latest)
        SELECT w.*, c.latest FROM c CROSS JOIN LATERAL write_rooms(
            $1, $2, $3, $4, $5, $6, ARRAY(SELECT least(t.at, c.latest) FROM unnest($7) WITH ORDINALITY AS t (at, n) ORDER BY t.n),
            $8, $9, $10, $11, $12, $13, ARRAY(SELECT least(t.at, c.latest) FROM unnest($14) WITH ORDINALITY AS t (at, n) ORDER BY t.n),
            $15, $16, $17, $18, $19, $20, $21, $22) w
        """;

    private readonly List<string> _ids = [];
    private readonly List<long> _epochs = [];
    private readonly List<long> _revs = [];
    private readonly List<long> _removed = [];
    private readonly List<int> _posts = [];
    private readonly List<int> _takes = [];
    private readonly List<long> _sents = [];

    private readonly List<int> _room = [];
    private readonly List<int> _seq = [];
    private readonly List<int> _rev = [];
    private readonly List<short> _kind = [];
    private readonly List<string> _author = [];
    private readonly List<string> _client = [];
    private readonly List<long> _at = [];
    private readonly List<string> _body = [];
    private readonly List<long?> _reply = [];
    private readonly List<string?> _files = [];

    private readonly List<int> _mentionRoom = [];
    private readonly List<long> _mentionSeq = [];
    private readonly List<string> _mentionUser = [];

    private readonly List<Action<Utf8JsonWriter>> _answers = [];
    private readonly List<Action<Utf8JsonWriter>> _updates = [];
    private readonly List<Action<Utf8JsonWriter>> _unreacts = [];
    private readonly List<Action<Utf8JsonWriter>> _reacts = [];
    private readonly List<Action<Utf8JsonWriter>> _clears = [];
    private readonly List<Action<Utf8JsonWriter>> _unmentions = [];

    /// <summary>The place of the room that is added next; the first is 1, as PostgreSQL counts.</summary>
    public int NextRoom => _ids.Count + 1;

    /// <param name="removed">Where retention must stand for the room to be written; -1: anywhere.</param>
    /// <param name="posts">How far the room's seq moves.</param>
    /// <param name="takes">How far its rev moves.</param>
    /// <param name="sentAt">Of the newest post; 0 without one.</param>
    public void AddRoom(RoomWrite write, long removed, int posts, int takes, long sentAt)
    {
        _ids.Add(write.Room);
        _epochs.Add(write.Epoch);
        _revs.Add(write.Rev);
        _removed.Add(removed);
        _posts.Add(posts);
        _takes.Add(takes);
        _sents.Add(sentAt);
    }

    /// <summary>Seq and rev count from the room's.</summary>
    public void AddPost(int room, int seq, int rev, long at, PostMessage post)
    {
        _room.Add(room);
        _seq.Add(seq);
        _rev.Add(rev);
        _kind.Add((short)post.Kind);
        _author.Add(post.Author);
        _client.Add(post.ClientId);
        _at.Add(at);
        _body.Add(post.Body);
        _reply.Add(post.ReplyTo);
        _files.Add(MessageJson.Write(post.Files));
        AddMentions(room, seq, post.Mentions);
    }

    public void AddAnswer(int room, RoomChange change, long seq, int rev) => _answers.Add(json =>
    {
        json.WriteNumber("room", room);
        json.WriteString("author", change.Author);
        json.WriteString("client", change.ClientId);
        json.WriteNumber("seq", seq);
        json.WriteNumber("rev", rev);
    });

    public void AddUpdate(int room, Message message, int rev) => _updates.Add(json =>
    {
        Place(json, room, message.Seq);
        json.WriteNumber("rev", rev);
        json.WriteString("body", message.Body);
        Number(json, "edited", message.EditedAt);
        Number(json, "deleted", message.DeletedAt);
        json.WriteString("files", MessageJson.Write(message.Files));
        json.WriteString("reactions", MessageJson.Write(message.Reactions));
    });

    public void AddReact(int room, long seq, string user, string emoji, int rev) => _reacts.Add(json =>
    {
        Place(json, room, seq);
        json.WriteString("author", user);
        json.WriteString("emoji", emoji);
        json.WriteNumber("rev", rev);
    });

    public void AddUnreact(int room, long seq, string user, string emoji) => _unreacts.Add(json =>
    {
        Place(json, room, seq);
        json.WriteString("author", user);
        json.WriteString("emoji", emoji);
    });

    /// <summary>Takes all reactions from a message.</summary>
    public void AddClear(int room, long seq) => _clears.Add(json => Place(json, room, seq));

    /// <param name="offset">The seq counted from the room's.</param>
    public void ReplaceMentions(int room, long seq, IReadOnlyList<string> users, long offset)
    {
        _unmentions.Add(json => Place(json, room, seq));
        for (var i = _mentionRoom.Count - 1; i >= 0; i--)
        {
            // Those of a post, or an edit, of this very batch.
            if (_mentionRoom[i] == room && _mentionSeq[i] == offset)
            {
                _mentionRoom.RemoveAt(i);
                _mentionSeq.RemoveAt(i);
                _mentionUser.RemoveAt(i);
            }
        }

        AddMentions(room, offset, users);
    }

    /// <summary>Where a room stood before the write, or where it stands when it was refused.</summary>
    /// <param name="Latest">No message is dated after this, unless the one before it was.</param>
    public readonly record struct Written(WriteStatus Status, long Seq, long Rev, long LastSentAt, long Latest);

    /// <summary>Runs the one statement, in a transaction of its own. Answers in the order of the rooms.</summary>
    public async Task<Written[]> ExecuteAsync(NpgsqlConnection connection, long now)
    {
        await using var command = new NpgsqlCommand(Sql, connection);
        Add(_ids, NpgsqlDbType.Text);
        Add(_epochs, NpgsqlDbType.Bigint);
        Add(_revs, NpgsqlDbType.Bigint);
        Add(_removed, NpgsqlDbType.Bigint);
        Add(_posts, NpgsqlDbType.Integer);
        Add(_takes, NpgsqlDbType.Integer);
        Add(_sents, NpgsqlDbType.Bigint);
        Add(_room, NpgsqlDbType.Integer);
        Add(_seq, NpgsqlDbType.Integer);
        Add(_rev, NpgsqlDbType.Integer);
        Add(_kind, NpgsqlDbType.Smallint);
        Add(_author, NpgsqlDbType.Text);
        Add(_client, NpgsqlDbType.Text);
        Add(_at, NpgsqlDbType.Bigint);
        Add(_body, NpgsqlDbType.Text);
        Add(_reply, NpgsqlDbType.Bigint);
        Add(_files, NpgsqlDbType.Text);
        Add(_mentionRoom, NpgsqlDbType.Integer);
        Add(_mentionSeq, NpgsqlDbType.Bigint);
        Add(_mentionUser, NpgsqlDbType.Text);
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)Changes() ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Jsonb });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = now });

        var written = new Written[_ids.Count];
        await using var row = await command.ExecuteReaderAsync();
        for (var i = 0; await row.ReadAsync(); i++)
        {
            written[i] = new Written((WriteStatus)row.GetInt16(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4));
        }

        await row.NextResultAsync(); // The commit: what goes wrong with it is no secret of whoever closes the reader.
        return written;

        void Add<T>(List<T> list, NpgsqlDbType type) =>
            command.Parameters.Add(new NpgsqlParameter<List<T>> { TypedValue = list, NpgsqlDbType = NpgsqlDbType.Array | type });
    }

    private string? Changes()
    {
        if (_answers.Count == 0)
        {
            return null;
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            Write(json, "answers", _answers);
            Write(json, "updates", _updates);
            Write(json, "unreact", _unreacts);
            Write(json, "react", _reacts);
            Write(json, "clear", _clears);
            Write(json, "unmention", _unmentions);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private void AddMentions(int room, long offset, IReadOnlyList<string> users)
    {
        foreach (var user in users)
        {
            _mentionRoom.Add(room);
            _mentionSeq.Add(offset);
            _mentionUser.Add(user);
        }
    }

    private static void Write(Utf8JsonWriter json, string name, List<Action<Utf8JsonWriter>> rows)
    {
        json.WriteStartArray(name);
        foreach (var row in rows)
        {
            json.WriteStartObject();
            row(json);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Place(Utf8JsonWriter json, int room, long seq)
    {
        json.WriteNumber("room", room);
        json.WriteNumber("seq", seq);
    }

    private static void Number(Utf8JsonWriter json, string name, long? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, number);
        }
    }
}

/// <summary>What <c>write_rooms</c> says of a room: a <see cref="RoomStatus"/>, or that it must be looked at before it is written.</summary>
internal enum WriteStatus : byte
{
    Ok = RoomStatus.Ok,
    Fenced = RoomStatus.Fenced,
    Stale = RoomStatus.Stale,
    Closed = RoomStatus.Closed,

    /// <summary>A change repeats another, a reply names what is not there, or retention moved: nothing of the room was written.</summary>
    LookCloser = 4,
}
