using DChat.Core.Messages;

namespace DChat.Storage.Sqlite.Messages;

/// <summary>Who reacted with what. The summary that people see stands in the message row; this is what it is made from.</summary>
internal sealed class ReactionTable(SqliteSession session)
{
    private readonly SqliteStatement _has = session.Prepare("SELECT 1 FROM reactions WHERE message_id = ?1 AND user = ?2 AND emoji = ?3");
    private readonly SqliteStatement _first = session.Prepare(
        "SELECT user FROM reactions WHERE message_id = ?1 AND emoji = ?2 ORDER BY ordinal LIMIT ?3");

    private readonly SqliteStatement _insert = session.Prepare("INSERT INTO reactions(message_id, user, emoji, ordinal) VALUES (?1, ?2, ?3, ?4)");
    private readonly SqliteStatement _delete = session.Prepare("DELETE FROM reactions WHERE message_id = ?1 AND user = ?2 AND emoji = ?3");
    private readonly SqliteStatement _deleteRange = session.Prepare("DELETE FROM reactions WHERE message_id BETWEEN ?1 AND ?2");

    public bool Has(long roomKey, long seq, string user, string emoji)
    {
        var has = _has.Bind(1, RowId.Of(roomKey, seq)).Bind(2, user).Bind(3, emoji).Step();
        _has.Reset();
        return has;
    }

    /// <summary>The first users of an emoji after a change, in order of reaction.</summary>
    /// <param name="current">The summary before the change; null where nobody used the emoji.</param>
    public IReadOnlyList<string> UsersAfter(long roomKey, React change, Reaction? current)
    {
        if (current is null)
        {
            return change.On ? [change.Author] : [];
        }

        if (change.On)
        {
            return current.Count < MessageLimits.ReactionUsersShown ? [.. current.Users, change.Author] : current.Users;
        }

        if (!current.Users.Contains(change.Author))
        {
            return current.Users;
        }

        var users = new List<string>(MessageLimits.ReactionUsersShown + 1);
        _first.Bind(1, RowId.Of(roomKey, change.Seq)).Bind(2, change.Emoji).Bind(3, MessageLimits.ReactionUsersShown + 1);
        while (_first.Step())
        {
            users.Add(_first.Text(0));
        }

        users.Remove(change.Author);
        return users;
    }

    public void Write(long roomKey, React change, long ordinal)
    {
        if (change.On)
        {
            _insert.Bind(1, RowId.Of(roomKey, change.Seq)).Bind(2, change.Author).Bind(3, change.Emoji).Bind(4, ordinal).Run();
        }
        else
        {
            _delete.Bind(1, RowId.Of(roomKey, change.Seq)).Bind(2, change.Author).Bind(3, change.Emoji).Run();
        }
    }

    public void Delete(long roomKey, long fromSeq, long toSeq) =>
        _deleteRange.Bind(1, RowId.Of(roomKey, fromSeq)).Bind(2, RowId.Of(roomKey, toSeq)).Run();

    /// <summary>The emoji with which a user reacted to a message.</summary>
    public IReadOnlyList<string> Mine(long roomKey, Message message, string user)
    {
        List<string>? mine = null;
        foreach (var reaction in message.Reactions)
        {
            // Up to ten users the summary names them all.
            var has = reaction.Users.Contains(user)
                || (reaction.Count > reaction.Users.Count && Has(roomKey, message.Seq, user, reaction.Emoji));
            if (has)
            {
                (mine ??= []).Add(reaction.Emoji);
            }
        }

        return mine ?? (IReadOnlyList<string>)[];
    }
}
