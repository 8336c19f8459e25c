using DChat.Core.Messages;

namespace DChat.Storage.Sqlite.Messages;

/// <summary>Writes the changes of one room inside the transaction of its batch.</summary>
internal sealed class RoomWriter(MessageTables tables)
{
    /// <param name="RoomKey">0 where the room is not known.</param>
    public readonly record struct Outcome(RoomWriteResult Result, long RoomKey);

    private RoomRow _room;
    private long _seq;
    private long _rev;
    private long _lastSentAt;

    public Outcome Write(RoomWrite write)
    {
        if (tables.Rooms.Find(write.Room) is not { } room)
        {
            return new Outcome(new RoomWriteResult(RoomStatus.Stale, 0, 0, []), 0);
        }

        var status = RoomFence.Judge(room, write.Epoch);
        if (status == RoomStatus.Ok && room.Rev != write.Rev)
        {
            status = RoomStatus.Stale;
        }

        if (status != RoomStatus.Ok)
        {
            return new Outcome(new RoomWriteResult(status, room.Seq, room.Rev, []), room.Key);
        }

        (_room, _seq, _rev, _lastSentAt) = (room, room.Seq, room.Rev, room.LastSentAt);
        var results = new ChangeResult[write.Changes.Count];
        for (var i = 0; i < results.Length; i++)
        {
            results[i] = Apply(write.Changes[i]);
        }

        if (_rev != room.Rev)
        {
            tables.Rooms.Advance(room.Key, _seq, _rev, _lastSentAt);
        }

        return new Outcome(new RoomWriteResult(RoomStatus.Ok, _seq, _rev, results), room.Key);
    }

    private ChangeResult Apply(RoomChange change) => change switch
    {
        PostMessage post => Post(post),
        EditMessage edit => Repeat(edit) ?? Edit(edit),
        DeleteMessage delete => Repeat(delete) ?? Delete(delete),
        React react => Repeat(react) ?? ReactTo(react),
        _ => throw new ArgumentException($"unknown change {change.GetType().Name}", nameof(change)),
    };

    private ChangeResult? Repeat(RoomChange change) =>
        tables.Answers.Find(_room.Key, change.Author, change.ClientId) is { } first
            ? new ChangeResult(ChangeRefusal.None, first, null)
            : null;

    private static ChangeResult Refuse(ChangeRefusal refusal) => new(refusal, default, null);

    private ChangeResult Post(PostMessage post)
    {
        // Messages have no holes, so a range tells what may be answered, those of this batch included.
        if (post.ReplyTo is { } replyTo && !Exists(replyTo))
        {
            return Repeat(post) ?? Refuse(ChangeRefusal.InvalidArgument);
        }

        var sentAt = Math.Max(post.At, _lastSentAt);
        var answer = new ChangeAnswer(_seq + 1, _rev + 1, sentAt);
        if (!tables.Answers.TryInsert(_room.Key, post.Author, post.ClientId, answer))
        {
            return Repeat(post) ?? throw new InvalidOperationException("an answer that stood in the way of another is gone");
        }

        var message = new Message(
            answer.Seq, answer.Rev, post.Kind, post.Author, post.ClientId, sentAt, post.Body, post.ReplyTo, null, null, post.Files, [], []);
        tables.Messages.Insert(_room.Key, message, post.Mentions);
        tables.Mentions.Insert(_room.Key, message.Seq, post.Mentions);
        (_seq, _rev, _lastSentAt) = (answer.Seq, answer.Rev, sentAt);
        return new ChangeResult(ChangeRefusal.None, answer, new RoomEvent(answer.Rev, RoomEventKind.Posted, message));
    }

    private ChangeResult Edit(EditMessage edit)
    {
        var outcome = MessageRules.Edit(Find(edit.Seq), edit);
        return Finish(edit, edit.Seq, outcome, RoomEventKind.Edited, message =>
        {
            ReplaceMentions(message.Seq, edit.Mentions);
            return null;
        });
    }

    private ChangeResult Delete(DeleteMessage delete)
    {
        var outcome = MessageRules.Delete(Find(delete.Seq), delete);
        return Finish(delete, delete.Seq, outcome, RoomEventKind.Deleted, message =>
        {
            ReplaceMentions(message.Seq, []);
            tables.Reactions.Delete(_room.Key, message.Seq, message.Seq);
            return null;
        });
    }

    private ChangeResult ReactTo(React react)
    {
        var current = Find(react.Seq);
        var has = current is not null && tables.Reactions.Has(_room.Key, react.Seq, react.Author, react.Emoji);
        var summary = current?.Reactions.FirstOrDefault(reaction => reaction.Emoji == react.Emoji);
        var outcome = MessageRules.React(current, react, has, tables.Reactions.UsersAfter(_room.Key, react, summary));
        return Finish(react, react.Seq, outcome, RoomEventKind.Reacted, _ =>
        {
            tables.Reactions.Write(_room.Key, react, _rev);
            return new ReactionChange(react.Author, react.Emoji, react.On);
        });
    }

    private bool Exists(long seq) => seq > _room.RemovedSeq && seq <= _seq;

    private Message? Find(long seq) => Exists(seq) ? tables.Messages.Find(_room.Key, seq) : null;

    private ChangeResult Finish(
        RoomChange change, long seq, MessageRules.Outcome outcome, RoomEventKind kind, Func<Message, ReactionChange?> writeRest)
    {
        if (outcome.Refusal != ChangeRefusal.None)
        {
            return Refuse(outcome.Refusal);
        }

        RoomEvent? shown = null;
        if (outcome.Message is { } changed)
        {
            var message = changed with { Rev = ++_rev };
            tables.Messages.Update(_room.Key, message);
            shown = new RoomEvent(_rev, kind, message, writeRest(message));
        }

        var answer = new ChangeAnswer(seq, _rev, 0);
        tables.Answers.TryInsert(_room.Key, change.Author, change.ClientId, answer);
        return new ChangeResult(ChangeRefusal.None, answer, shown);
    }

    private void ReplaceMentions(long seq, IReadOnlyList<string> users)
    {
        var before = tables.Messages.Mentions(_room.Key, seq);
        if (before.Count == 0 && users.Count == 0)
        {
            return;
        }

        tables.Mentions.Delete(_room.Key, seq, before);
        tables.Mentions.Insert(_room.Key, seq, users);
        tables.Messages.SetMentions(_room.Key, seq, users);
    }
}
