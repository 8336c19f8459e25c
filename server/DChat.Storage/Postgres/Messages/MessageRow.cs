using System.Text;
using DChat.Core.Messages;
using Npgsql;

namespace DChat.Storage.Postgres.Messages;

/// <summary>How a message is selected and read.</summary>
internal static class MessageRow
{
    /// <summary>Columns of the table <c>messages m</c>, in the order in which <see cref="Read"/> takes them.</summary>
    public const string Columns =
        "m.id, m.rev, m.kind, m.author, m.client_id, m.sent_at, m.body, m.reply_to, m.edited_at, m.deleted_at, m.files, m.reactions";

    /// <summary>How many they are.</summary>
    public const int Count = 12;

    /// <summary>The emoji of the reader (the given parameter), for the place after <see cref="Columns"/>; null for most messages.</summary>
    public static string Mine(string reader) =>
        $"CASE WHEN m.reactions IS NOT NULL AND {reader} IS NOT NULL THEN ARRAY(SELECT x.emoji FROM reactions x WHERE x.message_id = m.id AND x.user_name = {reader}) END";

    /// <param name="at">The place of the first column.</param>
    /// <param name="withMine"><see cref="Mine"/> follows.</param>
    public static Message Read(NpgsqlDataReader row, int at, bool withMine)
    {
        var reactions = row.IsDBNull(at + 11) ? [] : MessageJson.ReadReactions(Encoding.UTF8.GetBytes(row.GetString(at + 11)));
        IReadOnlyList<string> mine = [];
        if (withMine && !row.IsDBNull(at + Count))
        {
            // In the order of the summary.
            var emoji = row.GetFieldValue<string[]>(at + Count);
            mine = [.. reactions.Select(reaction => reaction.Emoji).Where(emoji.Contains)];
        }

        return new Message(
            RowId.Seq(row.GetInt64(at)),
            row.GetInt64(at + 1),
            (MessageKind)row.GetInt16(at + 2),
            row.GetString(at + 3),
            row.GetString(at + 4),
            row.GetInt64(at + 5),
            row.GetString(at + 6),
            Int64OrNull(row, at + 7),
            Int64OrNull(row, at + 8),
            Int64OrNull(row, at + 9),
            row.IsDBNull(at + 10) ? [] : MessageJson.ReadFiles(Encoding.UTF8.GetBytes(row.GetString(at + 10))),
            reactions,
            mine);
    }

    private static long? Int64OrNull(NpgsqlDataReader row, int at) => row.IsDBNull(at) ? null : row.GetInt64(at);
}
