using DChat.Core.Messages;

namespace DChat.Storage.Postgres.Messages;

/// <summary>
/// Decides the changes of a room on a snapshot of it, and puts down what is to be written: the same as the embedded engine decides
/// inside its transaction.
/// </summary>
internal sealed class RoomDraft
{
    private readonly RoomSnapshot _room;
    private readonly BatchRows _rows;
    private readonly int _at;
    private readonly Dictionary<long, Message> _changed = [];
    private readonly HashSet<long> _cleared = [];
    private long _seq;
    private long _rev;
    private long _lastSentAt;

    private RoomDraft(RoomSnapshot room, BatchRows rows, int at)
    {
        _room = room;
        _rows = rows;
        _at = at;
        (_seq, _rev, _lastSentAt) = (room.Seq, room.Rev, room.LastSentAt);
    }

    /// <summary>Adds a room to the rows of a batch; answers its results, which hold if the batch is written with status ok.</summary>
    public static ChangeResult[] Add(RoomWrite write, RoomSnapshot room, BatchRows rows)
    {
        var draft = new RoomDraft(room, rows, rows.NextRoom);
        var results = new ChangeResult[write.Changes.Count];
        for (var i = 0; i < results.Length; i++)
        {
            results[i] = draft.Apply(write.Changes[i]);
        }

        draft.PutDown();
        rows.AddRoom(write, room.RemovedSeq, (int)(draft._seq - room.Seq), (int)(draft._rev - room.Rev), draft._seq == room.Seq ? 0 : draft._lastSentAt);
        return results;
    }

    private ChangeResult Apply(RoomChange change)
    {
        if (_room.Answers.TryGetValue((change.Author, change.ClientId), out var first))
        {
            return new ChangeResult(ChangeRefusal.None, first, null);
        }

        return change switch
        {
            PostMessage post => Post(post),
            EditMessage edit => Finish(edit, edit.Seq, RoomEventKind.Edited, MessageRules.Edit(Find(edit.Seq), edit)),
            DeleteMessage delete => Finish(delete, delete.Seq, RoomEventKind.Deleted, MessageRules.Delete(Find(delete.Seq), delete)),
            React react => ReactTo(react),
            _ => throw new ArgumentException($"unknown change {change.GetType().Name}", nameof(change)),
        };
    }

    private ChangeResult Post(PostMessage post)
    {
        if (post.ReplyTo is { } replyTo && (replyTo <= _room.RemovedSeq || replyTo > _seq))
        {
            return new ChangeResult(ChangeRefusal.InvalidArgument, default, null);
        }

        _lastSentAt = Math.Max(_lastSentAt, post.At);
        var answer = new ChangeAnswer(++_seq, ++_rev, _lastSentAt);
        _rows.AddPost(_at, (int)(_seq - _room.Seq), (int)(_rev - _room.Rev), _lastSentAt, post);
        _room.Answers[(post.Author, post.ClientId)] = answer;
        var message = NewMessage(post, answer);
        _room.Messages[_seq] = message;
        return new ChangeResult(ChangeRefusal.None, answer, new RoomEvent(_rev, RoomEventKind.Posted, message));
    }

    private ChangeResult ReactTo(React react)
    {
        var current = Find(react.Seq);
        var users = Users(react);
        var has = users.Has.Contains(react.Author);
        var summary = current?.Reactions.FirstOrDefault(reaction => reaction.Emoji == react.Emoji);

        // Looked at without being changed first: the rules may refuse, and then nobody reacted.
        var trial = new RoomSnapshot.ReactionUsers();
        trial.First.AddRange(users.First);
        var outcome = MessageRules.React(current, react, has, trial.After(react, summary?.Count ?? 0));
        if (outcome.Message is null)
        {
            return Finish(react, react.Seq, RoomEventKind.Reacted, outcome);
        }

        users.After(react, summary?.Count ?? 0);
        if (react.On)
        {
            users.Has.Add(react.Author);
            users.Ordinals[react.Author] = (int)(_rev + 1 - _room.Rev);
        }
        else
        {
            users.Has.Remove(react.Author);
        }

        return Finish(react, react.Seq, RoomEventKind.Reacted, outcome, new ReactionChange(react.Author, react.Emoji, react.On));
    }

    private ChangeResult Finish(RoomChange change, long seq, RoomEventKind kind, MessageRules.Outcome outcome, ReactionChange? reaction = null)
    {
        if (outcome.Refusal != ChangeRefusal.None)
        {
            return new ChangeResult(outcome.Refusal, default, null);
        }

        RoomEvent? shown = null;
        if (outcome.Message is { } changed)
        {
            var message = changed with { Rev = ++_rev };
            _changed[seq] = message;
            _room.Messages[seq] = message;
            if (change is EditMessage edit)
            {
                _rows.ReplaceMentions(_at, seq, edit.Mentions, seq - _room.Seq);
            }
            else if (change is DeleteMessage)
            {
                _rows.ReplaceMentions(_at, seq, [], seq - _room.Seq);
                _cleared.Add(seq);
            }

            shown = new RoomEvent(_rev, kind, message, reaction);
        }

        var answer = new ChangeAnswer(seq, _rev, 0);
        _rows.AddAnswer(_at, change, seq, (int)(_rev - _room.Rev));
        _room.Answers[(change.Author, change.ClientId)] = answer;
        return new ChangeResult(ChangeRefusal.None, answer, shown);
    }

    /// <summary>Each changed message once, in its last state, and how the reactions differ from those of before.</summary>
    private void PutDown()
    {
        foreach (var message in _changed.Values)
        {
            _rows.AddUpdate(_at, message, (int)(message.Rev - _room.Rev));
        }

        foreach (var ((seq, emoji), users) in _room.Reactions)
        {
            if (_cleared.Contains(seq))
            {
                continue;
            }

            foreach (var user in users.Had.Where(user => !users.Has.Contains(user) || users.Ordinals.ContainsKey(user)))
            {
                _rows.AddUnreact(_at, seq, user, emoji);
            }

            foreach (var user in users.Has.Where(users.Ordinals.ContainsKey))
            {
                _rows.AddReact(_at, seq, user, emoji, users.Ordinals[user]);
            }
        }

        foreach (var seq in _cleared)
        {
            _rows.AddClear(_at, seq);
        }
    }

    private Message? Find(long seq) => seq > _room.RemovedSeq && seq <= _seq ? _room.Messages.GetValueOrDefault(seq) : null;

    // A message that this very batch posts was not looked for.
    private RoomSnapshot.ReactionUsers Users(React react)
    {
        if (!_room.Reactions.TryGetValue((react.Seq, react.Emoji), out var users))
        {
            _room.Reactions[(react.Seq, react.Emoji)] = users = new RoomSnapshot.ReactionUsers();
        }

        return users;
    }

    public static Message NewMessage(PostMessage post, ChangeAnswer answer) => new(
        answer.Seq, answer.Rev, post.Kind, post.Author, post.ClientId, answer.SentAt, post.Body, post.ReplyTo, null, null, post.Files, [], []);
}
