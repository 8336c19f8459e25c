using DChat.Core.Messages;
using Npgsql;

namespace DChat.Storage.Postgres.Messages;

/// <summary>Reads what the changes of some rooms are decided on, in one exchange with the server.</summary>
internal static class SnapshotReader
{
    private const string Rooms =
        """
        SELECT i.at, r.epoch, r.seq, r.rev, r.last_sent_at, r.removed_seq
        FROM unnest($1::text[]) WITH ORDINALITY AS i (id, at) JOIN rooms r ON r.id = i.id
        """;

    // By the whole key, whatever the planner believes of a young table: joined plainly, it read all answers of the room for each row.
    private const string Answers =
        """
        SELECT i.at, a.seq, a.rev, a.sent_at
        FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS i (id, author, client, at)
        JOIN rooms r ON r.id = i.id
        CROSS JOIN LATERAL (
            SELECT seq, rev, sent_at FROM answers WHERE room_key = r.key AND author = i.author AND client_id = i.client LIMIT 1) a
        """;

    private const string Messages =
        $"""
        SELECT i.at, {MessageRow.Columns}
        FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS i (id, seq, at)
        JOIN rooms r ON r.id = i.id AND i.seq > r.removed_seq AND i.seq <= r.seq
        JOIN messages m ON m.id = (r.key << 36) | i.seq
        """;

    private const string FirstUsers =
        """
        SELECT i.at, x.user_name
        FROM unnest($1::text[], $2::bigint[], $3::text[], $4::integer[]) WITH ORDINALITY AS i (id, seq, emoji, most, at)
        JOIN rooms r ON r.id = i.id AND i.seq > r.removed_seq AND i.seq <= r.seq
        CROSS JOIN LATERAL (
            SELECT user_name, ordinal FROM reactions WHERE message_id = (r.key << 36) | i.seq AND emoji = i.emoji ORDER BY ordinal LIMIT i.most) x
        ORDER BY i.at, x.ordinal
        """;

    private const string Reacted =
        """
        SELECT i.at
        FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[]) WITH ORDINALITY AS i (id, seq, author, emoji, at)
        JOIN rooms r ON r.id = i.id AND i.seq > r.removed_seq AND i.seq <= r.seq
        JOIN reactions x ON x.message_id = (r.key << 36) | i.seq AND x.user_name = i.author AND x.emoji = i.emoji
        """;

    /// <summary>In the order of the writes. What is newer than a room's row is refused by its rev in the write.</summary>
    public static async Task<RoomSnapshot[]> ReadAsync(PostgresPool source, IReadOnlyList<RoomWrite> writes)
    {
        var snapshots = new RoomSnapshot[writes.Count];
        for (var i = 0; i < snapshots.Length; i++)
        {
            snapshots[i] = new RoomSnapshot();
        }

        var changes = All<RoomChange>(writes, change => change);
        var targets = All(writes, Target).Distinct().ToList();
        var reacts = All(writes, change => change as React);
        var emoji = reacts.GroupBy(each => (each.Room, each.Of.Seq, each.Of.Emoji)).ToList();
        foreach (var group in emoji)
        {
            snapshots[group.Key.Room].Reactions[(group.Key.Seq, group.Key.Emoji)] = new RoomSnapshot.ReactionUsers();
        }

        await using var connection = await source.OpenAsync(CancellationToken.None);
        await PreparedStatements.GuardAsync(connection, FillAsync);
        return snapshots;

        async Task FillAsync()
        {
            await using var batch = new NpgsqlBatch(connection);
            Add(batch, Rooms, writes.Select(write => write.Room).ToArray());
            Add(batch, Answers, Ids(writes, changes), changes.Select(each => each.Of.Author).ToArray(), changes.Select(each => each.Of.ClientId).ToArray());
            if (targets.Count > 0)
            {
                Add(batch, Messages, Ids(writes, targets), targets.Select(each => each.Of).ToArray());
            }

            if (reacts.Count > 0)
            {
                Add(
                    batch,
                    FirstUsers,
                    emoji.Select(group => writes[group.Key.Room].Room).ToArray(),
                    emoji.Select(group => group.Key.Seq).ToArray(),
                    emoji.Select(group => group.Key.Emoji).ToArray(),
                    emoji.Select(group => MessageLimits.ReactionUsersShown + group.Count()).ToArray());
                Add(
                    batch,
                    Reacted,
                    Ids(writes, reacts),
                    reacts.Select(each => each.Of.Seq).ToArray(),
                    reacts.Select(each => each.Of.Author).ToArray(),
                    reacts.Select(each => each.Of.Emoji).ToArray());
            }

            await using var row = await batch.ExecuteReaderAsync();
            while (await row.ReadAsync())
            {
                var snapshot = snapshots[At(row)];
                snapshot.IsKnown = true;
                snapshot.Epoch = row.GetInt64(1);
                snapshot.Seq = row.GetInt64(2);
                snapshot.Rev = row.GetInt64(3);
                snapshot.LastSentAt = row.GetInt64(4);
                snapshot.RemovedSeq = row.GetInt64(5);
            }

            await row.NextResultAsync();
            while (await row.ReadAsync())
            {
                var (room, change) = changes[At(row)];
                snapshots[room].Answers[(change.Author, change.ClientId)] = new ChangeAnswer(row.GetInt64(1), row.GetInt64(2), row.GetInt64(3));
            }

            if (targets.Count > 0)
            {
                await row.NextResultAsync();
                while (await row.ReadAsync())
                {
                    var message = MessageRow.Read(row, 1, withMine: false);
                    snapshots[targets[At(row)].Room].Messages[message.Seq] = message;
                }
            }

            if (reacts.Count > 0)
            {
                await row.NextResultAsync();
                while (await row.ReadAsync())
                {
                    var (room, seq, name) = emoji[At(row)].Key;
                    snapshots[room].Reactions[(seq, name)].First.Add(row.GetString(1));
                }

                await row.NextResultAsync();
                while (await row.ReadAsync())
                {
                    var (room, react) = reacts[At(row)];
                    var users = snapshots[room].Reactions[(react.Seq, react.Emoji)];
                    users.Has.Add(react.Author);
                    users.Had.Add(react.Author);
                }
            }
        }
    }

    private static long? Target(RoomChange change) => change switch
    {
        EditMessage edit => edit.Seq,
        DeleteMessage delete => delete.Seq,
        React react => react.Seq,
        _ => null,
    };

    private static List<(int Room, T Of)> All<T>(IReadOnlyList<RoomWrite> writes, Func<RoomChange, T?> select)
        where T : class
    {
        var all = new List<(int, T)>();
        for (var room = 0; room < writes.Count; room++)
        {
            all.AddRange(writes[room].Changes.Select(select).OfType<T>().Select(one => (room, one)));
        }

        return all;
    }

    private static List<(int Room, long Of)> All(IReadOnlyList<RoomWrite> writes, Func<RoomChange, long?> select)
    {
        var all = new List<(int, long)>();
        for (var room = 0; room < writes.Count; room++)
        {
            all.AddRange(writes[room].Changes.Select(select).OfType<long>().Select(one => (room, one)));
        }

        return all;
    }

    private static string[] Ids<T>(IReadOnlyList<RoomWrite> writes, List<(int Room, T Of)> all) => [.. all.Select(each => writes[each.Room].Room)];

    // WITH ORDINALITY counts from 1.
    private static int At(NpgsqlDataReader row) => (int)row.GetInt64(0) - 1;

    private static void Add(NpgsqlBatch batch, string sql, params Array[] arrays)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var array in arrays)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = array });
        }

        batch.BatchCommands.Add(command);
    }
}
