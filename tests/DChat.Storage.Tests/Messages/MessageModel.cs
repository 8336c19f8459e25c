using DChat.Core.Messages;

namespace DChat.Storage.Tests.Messages;

/// <summary>What a message store does, as plainly as it can be said: no speed, no durability, its own reading of the rules.</summary>
internal sealed class MessageModel
{
    private readonly Dictionary<string, Room> _rooms = [];

    public RoomOpening Open(string id, long epoch)
    {
        if (!_rooms.TryGetValue(id, out var room))
        {
            _rooms[id] = room = new Room();
        }

        var status = room.Epoch == long.MaxValue ? RoomStatus.Closed : room.Epoch > epoch ? RoomStatus.Fenced : RoomStatus.Ok;
        if (status == RoomStatus.Ok)
        {
            room.Epoch = epoch;
        }

        return new RoomOpening(status, room.Seq, room.Rev, room.LastSentAt);
    }

    public RoomWriteResult Write(RoomWrite write)
    {
        if (!_rooms.TryGetValue(write.Room, out var room))
        {
            return new RoomWriteResult(RoomStatus.Stale, 0, 0, []);
        }

        var status = room.Epoch == long.MaxValue ? RoomStatus.Closed
            : room.Epoch > write.Epoch ? RoomStatus.Fenced
            : room.Epoch != write.Epoch || room.Rev != write.Rev ? RoomStatus.Stale
            : RoomStatus.Ok;
        var results = status == RoomStatus.Ok ? write.Changes.Select(room.Apply).ToList() : [];
        return new RoomWriteResult(status, room.Seq, room.Rev, results);
    }

    public ChangeAnswer? FindAnswer(string id, string author, string clientId) =>
        Readable(id).Answers.TryGetValue((author, clientId), out var answer) ? answer : null;

    public ChangesPage After(string id, long rev, int limit, string? reader)
    {
        var room = Readable(id);
        if (rev > room.Rev || rev < room.RemovedRev)
        {
            var newest = Before(id, null, limit, reader);
            return new ChangesPage(true, room.Rev, newest.Messages, newest.More);
        }

        var changed = room.Messages.Values.Where(entry => entry.Message.Rev > rev).OrderBy(entry => entry.Message.Rev).ToList();
        return new ChangesPage(false, room.Rev, [.. changed.Take(limit).Select(entry => entry.Shown(reader))], changed.Count > limit);
    }

    public MessagesPage Before(string id, long? seq, int limit, string? reader)
    {
        var older = Readable(id).Messages.Values.Where(entry => entry.Message.Seq < (seq ?? long.MaxValue)).OrderByDescending(entry => entry.Message.Seq).ToList();
        return new MessagesPage([.. older.Take(limit).Reverse().Select(entry => entry.Shown(reader))], older.Count > limit);
    }

    public Message? Find(string id, long seq, string? reader) =>
        Readable(id).Messages.TryGetValue(seq, out var entry) ? entry.Shown(reader) : null;

    public List<(string Room, long Seq)> Search(string word, IEnumerable<string> rooms) =>
    [
        .. rooms.SelectMany(id => Readable(id).Messages.Values
            .Where(entry => entry.Message.Kind != MessageKind.System && entry.Message.Body.Split(' ').Contains(word))
            .Select(entry => (id, entry.Message.Seq))),
    ];

    public void Mark(string user, string id, long seq)
    {
        var room = Readable(id);
        room.Marks[user] = Math.Max(room.Marks.GetValueOrDefault(user), Math.Min(seq, room.Seq));
    }

    public ReadState ReadMark(string user, string id)
    {
        var room = Readable(id);
        var mark = room.Marks.GetValueOrDefault(user);
        var unread = room.Messages.Values.Where(entry => entry.Message.Seq > mark).ToList();
        return new ReadState(mark, unread.Count, unread.Count(entry => entry.Mentions.Contains(user)));
    }

    public long Epoch(string id) => _rooms.TryGetValue(id, out var room) ? room.Epoch : 0;

    public void Close(string id) => _rooms[id] = new Room { Epoch = long.MaxValue, Seq = _rooms[id].Seq, Rev = _rooms[id].Rev, LastSentAt = _rooms[id].LastSentAt };

    public bool Retain(RoomAtEpoch at, long sentBefore, int limit)
    {
        var room = Readable(at.Room);
        if (room.Epoch > at.Epoch)
        {
            return false;
        }

        var old = room.Messages.Values.Where(entry => entry.Message.SentAt < sentBefore).OrderBy(entry => entry.Message.Seq).ToList();
        foreach (var entry in old.Take(limit))
        {
            room.Messages.Remove(entry.Message.Seq);
            room.RemovedRev = Math.Max(room.RemovedRev, entry.Message.Rev);
        }

        return old.Count > limit;
    }

    private Room Readable(string id) => _rooms.TryGetValue(id, out var room) && room.Epoch != long.MaxValue ? room : new Room();

    private sealed class Entry(Message message, IReadOnlyList<string> mentions)
    {
        public Message Message { get; set; } = message;

        public IReadOnlyList<string> Mentions { get; set; } = mentions;

        /// <summary>In order of reaction.</summary>
        public List<(string User, string Emoji)> Reactions { get; } = [];

        /// <summary>In order of first use.</summary>
        public List<string> Emoji { get; } = [];

        public Message Shown(string? reader) => Message with
        {
            Reactions = [.. Emoji.Select(emoji => new Reaction(emoji, Users(emoji).Count(), [.. Users(emoji).Take(10)]))],
            Mine = [.. Emoji.Where(emoji => Users(emoji).Contains(reader))],
        };

        private IEnumerable<string> Users(string emoji) => Reactions.Where(reaction => reaction.Emoji == emoji).Select(reaction => reaction.User);
    }

    private sealed class Room
    {
        public long Epoch { get; set; }

        public long Seq { get; set; }

        public long Rev { get; set; }

        public long LastSentAt { get; set; }

        public long RemovedRev { get; set; }

        public Dictionary<long, Entry> Messages { get; } = [];

        public Dictionary<(string Author, string ClientId), ChangeAnswer> Answers { get; } = [];

        public Dictionary<string, long> Marks { get; } = [];

        public ChangeResult Apply(RoomChange change)
        {
            if (Answers.TryGetValue((change.Author, change.ClientId), out var first))
            {
                return new ChangeResult(ChangeRefusal.None, first, null);
            }

            var (refusal, seq, sentAt, shown) = change switch
            {
                PostMessage post => Post(post),
                EditMessage edit => Edit(edit),
                DeleteMessage delete => Delete(delete),
                React react => ReactTo(react),
                _ => throw new ArgumentException("unknown change", nameof(change)),
            };
            if (refusal != ChangeRefusal.None)
            {
                return new ChangeResult(refusal, default, null);
            }

            var answer = Answers[(change.Author, change.ClientId)] = new ChangeAnswer(seq, Rev, sentAt);
            return new ChangeResult(refusal, answer, shown);
        }

        private (ChangeRefusal Refusal, long Seq, long SentAt, RoomEvent? Event) Post(PostMessage post)
        {
            if (post.ReplyTo is { } replyTo && !Messages.ContainsKey(replyTo))
            {
                return (ChangeRefusal.InvalidArgument, 0, 0, null);
            }

            LastSentAt = Math.Max(LastSentAt, post.At);
            var message = new Message(++Seq, ++Rev, post.Kind, post.Author, post.ClientId, LastSentAt, post.Body, post.ReplyTo, null, null, post.Files, [], []);
            Messages[Seq] = new Entry(message, post.Mentions);
            return (ChangeRefusal.None, Seq, LastSentAt, new RoomEvent(Rev, RoomEventKind.Posted, message));
        }

        private (ChangeRefusal Refusal, long Seq, long SentAt, RoomEvent? Event) Edit(EditMessage edit)
        {
            if (!Messages.TryGetValue(edit.Seq, out var entry) || entry.Message.DeletedAt is not null)
            {
                return (ChangeRefusal.NotFound, 0, 0, null);
            }

            if (entry.Message.Author != edit.Author || entry.Message.Kind == MessageKind.System)
            {
                return (ChangeRefusal.Forbidden, 0, 0, null);
            }

            if (entry.Message.Body == edit.Body)
            {
                return (ChangeRefusal.None, edit.Seq, 0, null);
            }

            entry.Message = entry.Message with { Rev = ++Rev, Body = edit.Body, EditedAt = edit.At };
            entry.Mentions = edit.Mentions;
            return (ChangeRefusal.None, edit.Seq, 0, new RoomEvent(Rev, RoomEventKind.Edited, entry.Shown(null)));
        }

        private (ChangeRefusal Refusal, long Seq, long SentAt, RoomEvent? Event) Delete(DeleteMessage delete)
        {
            if (!Messages.TryGetValue(delete.Seq, out var entry))
            {
                return (ChangeRefusal.NotFound, 0, 0, null);
            }

            if (entry.Message.Kind == MessageKind.System || (entry.Message.Author != delete.Author && !delete.AsModerator))
            {
                return (ChangeRefusal.Forbidden, 0, 0, null);
            }

            if (entry.Message.DeletedAt is not null)
            {
                return (ChangeRefusal.None, delete.Seq, 0, null);
            }

            var message = entry.Message with { Rev = ++Rev, Body = "", DeletedAt = delete.At, Files = [] };
            Messages[delete.Seq] = entry = new Entry(message, []);
            return (ChangeRefusal.None, delete.Seq, 0, new RoomEvent(Rev, RoomEventKind.Deleted, entry.Shown(null)));
        }

        private (ChangeRefusal Refusal, long Seq, long SentAt, RoomEvent? Event) ReactTo(React react)
        {
            if (!Messages.TryGetValue(react.Seq, out var entry) || entry.Message.DeletedAt is not null)
            {
                return (ChangeRefusal.NotFound, 0, 0, null);
            }

            if (entry.Reactions.Contains((react.Author, react.Emoji)) == react.On)
            {
                return (ChangeRefusal.None, react.Seq, 0, null);
            }

            if (!entry.Emoji.Contains(react.Emoji))
            {
                if (entry.Emoji.Count == 20)
                {
                    return (ChangeRefusal.InvalidArgument, 0, 0, null);
                }

                entry.Emoji.Add(react.Emoji);
            }

            if (react.On)
            {
                entry.Reactions.Add((react.Author, react.Emoji));
            }
            else
            {
                entry.Reactions.Remove((react.Author, react.Emoji));
                entry.Emoji.RemoveAll(emoji => !entry.Reactions.Exists(reaction => reaction.Emoji == emoji));
            }

            entry.Message = entry.Message with { Rev = ++Rev };
            return (ChangeRefusal.None, react.Seq, 0, new RoomEvent(Rev, RoomEventKind.Reacted, entry.Shown(null), new ReactionChange(react.Author, react.Emoji, react.On)));
        }
    }
}
