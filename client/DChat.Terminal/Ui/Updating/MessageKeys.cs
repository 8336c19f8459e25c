using System.Collections.Immutable;
using DChat.Protocol;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>A message is chosen, and keys do something with it.</summary>
internal static class MessageKeys
{
    /// <summary>What a message offers, with the letter for it.</summary>
    public static readonly ImmutableArray<(string Key, MessageAct Act, string Short, string Says)> All =
    [
        ("r", MessageAct.Reply, "reply", "reply"),
        ("+", MessageAct.React, "react", "react"),
        ("y", MessageAct.Copy, "copy", "copy"),
        ("e", MessageAct.Edit, "edit", "edit"),
        ("d", MessageAct.Delete, "delete", "delete"),
        ("g", MessageAct.GoToReplied, "go to", "go to the message that it answers"),
        ("s", MessageAct.SaveFile, "save", "save its files"),
        ("a", MessageAct.Author, "author", "about its author"),
        ("i", MessageAct.Info, "info", "when, and who reacted"),
        ("t", MessageAct.Retry, "try again", "try to send it again"),
        ("x", MessageAct.Discard, "discard", "throw it away"),
    ];

    /// <summary>Null where the key is not about the message.</summary>
    public static Step? Press(Model model, KeyPressed key, Act? act)
    {
        var seq = model.Chat.Pane.Selected!.Value;
        switch (act)
        {
            case Act.Up or Act.SelectUp:
                return Select(model, -1);
            case Act.Down or Act.SelectDown:
                return Select(model, 1);
            case Act.Cancel or Act.Complete:
                return Choose(model, null);
            case Act.Send:
                return Do(model, MessageAct.Open, seq);
            case Act.Delete or Act.Backspace:
                return Do(model, MessageAct.Delete, seq);
            default:
                break;
        }

        if (Typed.TextOf(key) is not { } text)
        {
            return null;
        }

        var found = All.FirstOrDefault(a => a.Key == text);
        return found.Key is not null ? Do(model, found.Act, seq)
            : text switch
            {
                "k" => Select(model, -1),
                "j" => Select(model, 1),
                "=" => Do(model, MessageAct.React, seq),
                "c" => Do(model, MessageAct.Copy, seq),
                "?" => model.Push(new Dialog.Help(0)),
                _ => GoOnWriting(model, key),
            };
    }

    /// <summary>A letter that means nothing here begins, or goes on with, a text.</summary>
    public static Step GoOnWriting(Model model, KeyPressed key) => Choose(model, null).Then(writing => ChatKeys.Press(writing, key));

    public static Step Select(Model model, int by)
    {
        if (model.Chat.Room is not { } room)
        {
            return model;
        }

        var timeline = Update.TimelineOf(model, room);
        if (timeline.Count == 0)
        {
            return model;
        }

        var pane = model.Chat.Pane;
        var bottom = pane.Scroll.Seq is { } scrolled ? timeline.EntryOf(scrolled) : timeline.Count - 1;
        var entry = pane.Selected is { } chosen ? timeline.EntryOf(chosen) + (pane.ByKeys ? by : 0) : bottom;
        if (entry >= timeline.Count)
        {
            return Choose(model, null).Then(ChatKeys.ToEnd);
        }

        entry = Math.Max(0, entry);
        var next = Choose(model, timeline.SeqAt(entry), byKeys: true).Model;
        return RoomMoves.ScrollTo(next, room, Scrolling.Reveal(Update.TimelineOf(next, room), pane.Scroll, entry));
    }

    public static Step Choose(Model model, long? seq, bool byKeys = false) => model.Chat.Open is { } id
        ? model with { Chat = model.Chat.With(id, model.Chat.Pane with { Selected = seq, ByKeys = byKeys, Completion = null }) }
        : model;

    /// <summary>The latest message of one's own into the input; never an older one while the latest is on its way.</summary>
    public static Step EditLast(Model model)
    {
        if (model.Chat.Room is not { } room)
        {
            return model;
        }

        if (model.Chat.Pending.LastOrDefault(p => p.Room == room.Id && p.Kind is null or MessageKinds.Text) is { } pending)
        {
            return pending.Seq is { } sent
                ? Begin(model, room, Writing.Edit, sent, pending.Body)
                : model.Say("Your last message is not sent yet. It can be edited once it is.");
        }

        var mine = room.Messages.LastOrDefault(m => IsMine(model, m) && m.DeletedAt is null && m.Kind == MessageKinds.Text);
        return mine is null ? model : Do(model, MessageAct.Edit, mine.Seq);
    }

    public static bool IsMine(Model model, Message message) => string.Equals(message.Author, model.Chat.Me, StringComparison.OrdinalIgnoreCase);

    /// <summary>What can be done with it, by whose it is and where it stands.</summary>
    public static ImmutableArray<MessageAct> Offers(Model model, long seq)
    {
        if (seq >= Timeline.PendingFrom)
        {
            return [MessageAct.Copy, MessageAct.Discard];
        }

        if (seq >= Timeline.FailedFrom)
        {
            return [MessageAct.Retry, MessageAct.Discard, MessageAct.Copy];
        }

        if (model.Chat.Room is not { } room || room.Find(seq) is not { } message)
        {
            return [];
        }

        var mine = IsMine(model, message);
        var alive = message.DeletedAt is null && message.Kind != MessageKinds.System;
        IEnumerable<MessageAct> offers =
        [
            .. alive ? [MessageAct.Reply, MessageAct.React, MessageAct.Copy] : Array.Empty<MessageAct>(),
            .. alive && mine ? [MessageAct.Edit] : Array.Empty<MessageAct>(),
            .. alive && (mine || room.CanModerate) ? [MessageAct.Delete] : Array.Empty<MessageAct>(),
            .. message.ReplyTo is not null ? [MessageAct.GoToReplied] : Array.Empty<MessageAct>(),
            .. alive && message.Files is { Count: > 0 } ? [MessageAct.SaveFile] : Array.Empty<MessageAct>(),
            .. message.Author.Length > 0 && !mine ? [MessageAct.Author] : Array.Empty<MessageAct>(),
            MessageAct.Info,
        ];
        return [.. offers];
    }

    public static Step Do(Model model, MessageAct act, long seq)
    {
        if (model.Chat.Room is not { } room)
        {
            return model;
        }

        if (seq >= Timeline.FailedFrom)
        {
            return Unsent(model, act, seq);
        }

        if (room.Find(seq) is not { } message || (act != MessageAct.Open && !Offers(model, seq).Contains(act)))
        {
            return model.Say("That cannot be done with this message.");
        }

        return act switch
        {
            MessageAct.Reply => Begin(model, room, Writing.Reply, seq, null),
            MessageAct.Edit => Begin(model, room, Writing.Edit, seq, message.Body),
            MessageAct.React => Menus.React(model, message),
            MessageAct.Copy => Choose(model, null).Model.Say("Copied.").Step().And(new Effect.Copy(message.Body)),
            MessageAct.Delete => AskDelete(model, room, seq),
            MessageAct.GoToReplied => RoomMoves.Jump(model, room.Id, message.ReplyTo!.Value),
            MessageAct.SaveFile => model.Step().And(message.Files!.Select(f => new Effect.Download(f.Id, f.Name))),
            MessageAct.Author => Menus.Member(model, SafeText.Clean(message.Author)),
            MessageAct.Info => model.Push(About(model, message)),
            _ => Menus.Message(model, seq),
        };
    }

    public static Step AskDelete(Model model, RoomView room, long seq) => model.Push(new Dialog.Confirm("Delete", "Delete this message for everybody?", "Delete", new Choice.DeleteMessage(room.Id, seq)) { IsCareful = true });

    private static Step Begin(Model model, RoomView room, Writing writing, long seq, string? text)
    {
        var plain = ChatKeys.Restore(model);
        var pane = plain.Chat.Pane;
        var begun = pane with
        {
            Writing = writing,
            Subject = seq,
            Selected = null,
            SetAside = text is null ? null : pane.Input,
            Input = text is null ? pane.Input : Editor.Of(text),
            Vi = ViState.Insert,
        };
        return plain with { Chat = plain.Chat.With(room.Id, begun) };
    }

    private static Step Unsent(Model model, MessageAct act, long seq)
    {
        var chat = model.Chat;
        if (seq >= Timeline.PendingFrom)
        {
            var index = (int)(seq - Timeline.PendingFrom);
            var pending = index < chat.Pending.Length ? chat.Pending[index] : null;
            return pending is null ? model : act switch
            {
                MessageAct.Discard => Choose(model, null).And(new Effect.Withdraw(pending.ClientId)),
                MessageAct.Copy => model.Say("Copied.").Step().And(new Effect.Copy(pending.Body)),
                _ => Menus.Message(model, seq),
            };
        }

        var at = (int)(seq - Timeline.FailedFrom);
        if (at >= chat.Memory.Failed.Length)
        {
            return model;
        }

        var failed = chat.Memory.Failed[at];
        return act switch
        {
            MessageAct.Retry => Retry(model, failed),
            MessageAct.Discard => Choose(Forget(model, failed), null),
            MessageAct.Copy => model.Say("Copied.").Step().And(new Effect.Copy(failed.Body)),
            _ => Menus.Message(model, seq),
        };
    }

    public static Step Retry(Model model, FailedMessage failed) =>
        Choose(Forget(model, failed), null).And(new Effect.Send(failed.Room, failed.Body, failed.Kind, failed.ReplyTo));

    public static Model Forget(Model model, FailedMessage failed) =>
        ChatKeys.Keep(model, model.Chat.Memory with { Failed = model.Chat.Memory.Failed.Remove(failed) });

    private static Dialog.Info About(Model model, Message message)
    {
        var reactions = (message.Reactions ?? new Dictionary<string, ReactionSummary>())
            .Select(r => $"{SafeText.Clean(r.Key)} {r.Value.Count}: {string.Join(", ", r.Value.Users.Select(SafeText.Clean))}{(r.Value.Count > r.Value.Users.Count ? ", …" : "")}");
        var author = SafeText.Clean(message.Author);
        var alias = model.Chat.Pane.Members?.FirstOrDefault(m => string.Equals(m.User, author, StringComparison.OrdinalIgnoreCase))?.Alias;
        return new Dialog.Info("Message", [
            $"{author}{(alias is null ? "" : $" ({alias})")}, message {message.Seq}",
            TimeText.Exact(message.SentAt, model.Zone),
            TimeText.Ago(message.SentAt, model.Now),
            .. message.EditedAt is { } edited ? [$"edited {TimeText.Exact(edited, model.Zone)}"] : Array.Empty<string>(),
            .. message.DeletedAt is { } deleted ? [$"deleted {TimeText.Exact(deleted, model.Zone)}"] : Array.Empty<string>(),
            "",
            .. reactions,
        ]);
    }
}
