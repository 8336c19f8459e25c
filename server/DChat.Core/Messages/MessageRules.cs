namespace DChat.Core.Messages;

/// <summary>
/// What a change makes of a message: the one place where that is decided. Every store calls it inside its transaction,
/// so it sees the message as it is at that moment.
/// </summary>
public static class MessageRules
{
    /// <summary>The outcome of a change of an existing message.</summary>
    /// <param name="Message">The message after the change (its <c>Rev</c> still to be set), or null where nothing changes.</param>
    public readonly record struct Outcome(ChangeRefusal Refusal, Message? Message)
    {
        public static Outcome Refused(ChangeRefusal refusal) => new(refusal, null);

        public static Outcome Unchanged => new(ChangeRefusal.None, null);
    }

    public static Outcome Edit(Message? current, EditMessage change)
    {
        if (current is null || current.DeletedAt is not null)
        {
            return Outcome.Refused(ChangeRefusal.NotFound);
        }

        if (current.Kind == MessageKind.System || current.Author != change.Author)
        {
            return Outcome.Refused(ChangeRefusal.Forbidden);
        }

        return current.Body == change.Body
            ? Outcome.Unchanged
            : new Outcome(ChangeRefusal.None, current with { Body = change.Body, EditedAt = change.At });
    }

    public static Outcome Delete(Message? current, DeleteMessage change)
    {
        if (current is null)
        {
            return Outcome.Refused(ChangeRefusal.NotFound);
        }

        if (current.Kind == MessageKind.System || (current.Author != change.Author && !change.AsModerator))
        {
            return Outcome.Refused(ChangeRefusal.Forbidden);
        }

        return current.DeletedAt is not null
            ? Outcome.Unchanged
            : new Outcome(ChangeRefusal.None, current with
            {
                Body = "",
                DeletedAt = change.At,
                Files = [],
                Reactions = [],
            });
    }

    /// <param name="has">Whether the user's reaction with this emoji is there already.</param>
    /// <param name="users">The first users of this emoji after the change, at most <see cref="MessageLimits.ReactionUsersShown"/>.</param>
    public static Outcome React(Message? current, React change, bool has, IReadOnlyList<string> users)
    {
        if (current is null || current.DeletedAt is not null)
        {
            return Outcome.Refused(ChangeRefusal.NotFound);
        }

        if (has == change.On)
        {
            return Outcome.Unchanged;
        }

        var reactions = new List<Reaction>(current.Reactions);
        var at = reactions.FindIndex(reaction => reaction.Emoji == change.Emoji);
        if (at < 0)
        {
            if (reactions.Count >= MessageLimits.EmojiPerMessage)
            {
                return Outcome.Refused(ChangeRefusal.InvalidArgument);
            }

            reactions.Add(new Reaction(change.Emoji, 1, users));
        }
        else
        {
            var count = reactions[at].Count + (change.On ? 1 : -1);
            if (count == 0)
            {
                reactions.RemoveAt(at);
            }
            else
            {
                reactions[at] = new Reaction(change.Emoji, count, users);
            }
        }

        return new Outcome(ChangeRefusal.None, current with { Reactions = reactions });
    }
}
