using System.Globalization;
using System.Text;
using DChat.Protocol;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>Keys while no dialog is open: the input, and everything around it.</summary>
internal static class ChatKeys
{
    private const int SentMax = 100;
    private static readonly TimeSpan TwiceWithin = TimeSpan.FromSeconds(3);

    public static Step Press(Model model, KeyPressed key)
    {
        var act = model.Keymap.Find(key);
        var pane = model.Chat.Pane;
        if (pane.Completion is { } completion && Complete(model, completion, act) is { } completed)
        {
            return completed;
        }

        if (pane.IsActing && MessageKeys.Press(model, key, act) is { } chosen)
        {
            return chosen;
        }

        if (model.Settings.Vi && pane.Vi.IsNormal && ViKeys.Apply(pane.Input, pane.Vi, key) is var (edited, state))
        {
            return key.Text == "?" && pane.Input.IsEmpty ? Global(model, Act.Help)!.Value : Write(model, edited, state);
        }

        if (act is { } known)
        {
            return Global(model, known) ?? Edit(model, known);
        }

        if (key is { Modifiers: KeyModifiers.Alt, Text: [>= '0' and <= '9'] })
        {
            return RoomMoves.ByNumber(model, key.Text[0] == '0' ? 10 : key.Text[0] - '0');
        }

        return Typed.TextOf(key) is { } text ? Type(model, text) : model;
    }

    public static Step Paste(Model model, string text)
    {
        var lines = text.TrimEnd('\n').Count(c => c == '\n') + 1;
        if (lines <= model.Settings.PasteLines && text.Length < ProtocolLimits.BodyMax)
        {
            return Insert(model, text.TrimEnd('\n'));
        }

        var size = string.Create(CultureInfo.InvariantCulture, $"{lines} lines, {text.Length:N0} characters");
        return model.Push(new Dialog.Confirm("Paste", $"The clipboard holds {size}. It goes into the input as one message; nothing is sent yet.", "Insert", new Choice.Insert(text.TrimEnd('\n')), "Send as a file", new Choice.SendAsFile(text)));
    }

    public static Step Insert(Model model, string text) => Write(model, model.Chat.Pane.Input.Insert(text));

    /// <summary>What is not about the text; null where it is.</summary>
    public static Step? Global(Model model, Act act)
    {
        var page = Math.Max(1, Layout.Of(model).Timeline.Height - 2);
        var memory = model.Chat.Memory;
        return act switch
        {
            Act.Help => model.Push(new Dialog.Help(0)),
            Act.FindRoom => Menus.Finder(model),
            Act.BrowseRooms => Menus.Browse(model),
            Act.CreateRoom => model.Push(Forms.CreateRoom("")),
            Act.Search => Menus.Search(model, everywhere: false),
            Act.SearchEverywhere => Menus.Search(model, everywhere: true),
            Act.RoomMenu => Menus.Room(model),
            Act.Members => Menus.Members(model),
            Act.Commands => Menus.Commands(model),
            Act.Upload => model.Chat.Room is null ? model : model.Push(Forms.Upload("")),
            Act.NextRoom => RoomMoves.Next(model, 1),
            Act.PreviousRoom => RoomMoves.Next(model, -1),
            Act.NextUnread => RoomMoves.NextUnread(model),
            Act.LastRoom => RoomMoves.Last(model),
            Act.ToggleRooms => Keep(model, memory with { RoomsPane = Toggled(model, m => m with { RoomsPane = null }, layout => layout.Rooms.Width > 0) }),
            Act.ToggleMembers => Keep(model, memory with { MembersPane = Toggled(model, m => m with { MembersPane = null }, layout => layout.Members.Width > 0) }),
            Act.ToggleTimes => Keep(model, memory with { RelativeTimes = !memory.RelativeTimes }),
            Act.ToggleDoNotDisturb => Keep(model, memory with { DoNotDisturb = !memory.DoNotDisturb }).Say(memory.DoNotDisturb ? "Notices are on again." : "Do not disturb: no notices."),
            Act.Redraw => model.Step().And(new Effect.Redraw()),
            Act.Suspend => model.Step().And(new Effect.Suspend()),
            Act.Quit => model.Step().And(new Effect.Quit()),
            Act.Interrupt => Interrupt(model),
            Act.PageUp => RoomMoves.ScrollBy(model, page),
            Act.PageDown => RoomMoves.ScrollBy(model, -page),
            Act.LineUp => RoomMoves.ScrollBy(model, 1),
            Act.LineDown => RoomMoves.ScrollBy(model, -1),
            Act.FirstMessage => RoomMoves.First(model),
            Act.LastMessage => ToEnd(model),
            Act.SelectUp => MessageKeys.Select(model, -1),
            Act.SelectDown => MessageKeys.Select(model, 1),
            _ => (Step?)null,
        };
    }

    public static Model Keep(Model model, Memory memory) => model with { Chat = model.Chat with { Memory = memory } };

    /// <returns>What a pane shall be; null, as the width allows, where that comes to the same.</returns>
    private static bool? Toggled(Model model, Func<Memory, Memory> asWidthAllows, Func<Layout, bool> isShown)
    {
        var wish = !isShown(Layout.Of(model));
        return wish == isShown(Layout.Of(Keep(model, asWidthAllows(model.Chat.Memory)))) ? null : wish;
    }

    /// <summary>The input with another text; what was typed is kept as a draft.</summary>
    public static Step Write(Model model, Editor editor, ViState? vi = null)
    {
        var chat = model.Chat;
        var id = chat.PaneId;
        var pane = chat.Pane;
        var typed = editor.Text != pane.Input.Text;
        var next = pane with
        {
            Input = editor,
            Vi = vi ?? pane.Vi,
            Recalled = typed ? 0 : pane.Recalled,
            Completion = typed ? Completion.For(model, editor, asked: false) : null,
            Selected = typed ? null : pane.Selected,
        };
        var memory = typed && pane.Writing != Writing.Edit ? WithDraft(chat.Memory, id, editor.Text) : chat.Memory;
        var step = (model with { Chat = chat.With(id, next) with { Memory = memory } }).Step();
        return typed && id.Length > 0 && !editor.IsEmpty && pane.Writing != Writing.Edit && editor.Text[0] != '/' ? step.And(new Effect.Typing(id)) : step;
    }

    /// <summary>Back to writing something new, with what was set aside for an edit.</summary>
    public static Model Restore(Model model)
    {
        var chat = model.Chat;
        var id = chat.PaneId;
        var pane = chat.Pane;
        var input = pane.Writing == Writing.Edit ? pane.SetAside ?? Editor.Empty : pane.Input;
        return model with
        {
            Chat = chat.With(id, pane with { Writing = Writing.New, Subject = 0, SetAside = null, Input = input, Completion = null, Recalled = 0 }) with { Memory = WithDraft(chat.Memory, id, input.Text) },
        };
    }

    public static Step ToEnd(Model model) => model.Chat.Room is { } room ? RoomMoves.ScrollTo(model, room, Scroll.End) : model;

    private static Step Type(Model model, string text)
    {
        var pane = model.Chat.Pane;
        return text == "?" && pane.Input.IsEmpty && pane.Writing == Writing.New
            ? model.Push(new Dialog.Help(0))
            : Write(model, pane.Input.Insert(text));
    }

    private static Step Edit(Model model, Act act)
    {
        var pane = model.Chat.Pane;
        switch (act)
        {
            case Act.Send:
                return Send(model);
            case Act.Cancel:
                return Cancel(model);
            case Act.Complete:
                return Ask(model);
            case Act.Up when pane.Input.IsEmpty && pane.Writing == Writing.New:
                return MessageKeys.EditLast(model);
            case Act.Up when pane.Input.Up() is null:
            case Act.RecallOlder:
                return Recall(model, 1);
            case Act.Down when pane.Input.Down() is null:
            case Act.RecallNewer:
                return Recall(model, -1);
            default:
                return EditorKeys.Apply(pane.Input, act) is { } edited ? Write(model, edited) : model;
        }
    }

    private static Step Send(Model model)
    {
        var chat = model.Chat;
        var pane = chat.Pane;
        var text = pane.Input.Text.TrimEnd();
        var isCommand = text.StartsWith('/') && !text.StartsWith("//", StringComparison.Ordinal) && pane.Writing == Writing.New;
        if (isCommand)
        {
            return SlashCommands.Run(model, text);
        }

        if (chat.Room is not { } room)
        {
            return text.Length == 0 ? model : model.Say($"No room is open. {model.Keymap.KeyOf(Act.CreateRoom)} makes one, {model.Keymap.KeyOf(Act.BrowseRooms)} looks for one.");
        }

        if (text.Length == 0)
        {
            return pane.Writing == Writing.Edit ? MessageKeys.AskDelete(model, room, pane.Subject) : model;
        }

        var body = Emoji.Expand(text.StartsWith("//", StringComparison.Ordinal) ? text[1..] : text);
        if (body.EnumerateRunes().Count() is var length && length > ProtocolLimits.BodyMax)
        {
            return model.Say(string.Create(CultureInfo.InvariantCulture, $"A message has {ProtocolLimits.BodyMax:N0} characters at most; this one has {length:N0}. Send it as a file?"), bad: true);
        }

        var sent = Sent(model, text);
        return pane.Writing == Writing.Edit
            ? Restore(sent).Step().And(new Effect.Edit(room.Id, pane.Subject, body))
            : Post(sent, room.Id, body, null, pane.Writing == Writing.Reply ? pane.Subject : null);
    }

    /// <summary>Sends, and looks at the end of the room, where it will stand.</summary>
    public static Step Post(Model model, string room, string body, string? kind, long? replyTo)
    {
        var pane = model.Chat.PaneOf(room) with { Writing = Writing.New, Subject = 0, NewAfter = null, Wanted = null, Selected = null };
        var step = (model with { Chat = model.Chat.With(room, pane) }).Step().And(new Effect.Send(room, body, kind, replyTo));
        return step.Then(ToEnd);
    }

    /// <summary>An empty input, and what was in it to be recalled.</summary>
    public static Model Sent(Model model, string text)
    {
        var chat = model.Chat;
        var id = chat.PaneId;
        var pane = chat.Pane;
        var sent = pane.Sent.Count < SentMax ? pane.Sent : pane.Sent.RemoveAt(0);
        var next = pane with { Input = pane.Input.Clear(), Sent = sent.Add(text), Recalled = 0, Completion = null, Vi = ViState.Insert };
        return model with { Chat = chat.With(id, next) with { Memory = WithDraft(chat.Memory, id, "") } };
    }

    private static Step Cancel(Model model)
    {
        var pane = model.Chat.Pane;
        return pane.Writing != Writing.New ? Restore(model)
            : model.Settings.Vi && !pane.Vi.IsNormal ? Write(model, ViKeys.Leave(pane.Input).Editor, ViState.Normal)
            : pane.Selected is not null ? MessageKeys.Choose(model, null)
            : !pane.Scroll.IsEnd ? ToEnd(model)
            : model with { Toast = null };
    }

    private static Step Interrupt(Model model)
    {
        if (model.Chat.Pane.Writing != Writing.New)
        {
            return Restore(model);
        }

        if (!model.Chat.Pane.Input.IsEmpty)
        {
            return Write(model, model.Chat.Pane.Input.Clear());
        }

        const string Again = "Ctrl-C again quits.";
        return model.Toast is { Text: Again } toast && toast.Until - model.Now > Toast.Life - TwiceWithin
            ? model.Step().And(new Effect.Quit())
            : model.Say(Again);
    }

    private static Step Ask(Model model)
    {
        var chat = model.Chat;
        var id = chat.PaneId;
        if (chat.Pane.Input.IsEmpty)
        {
            return MessageKeys.Select(model, -1);
        }

        var completion = Completion.For(model, chat.Pane.Input, asked: true);
        return completion is { Items: [_] }
            ? Write(model, completion.Accept(chat.Pane.Input))
            : model with { Chat = chat.With(id, chat.Pane with { Completion = completion }) };
    }

    private static Step? Complete(Model model, Completion completion, Act? act)
    {
        var (chat, pane) = (model.Chat, model.Chat.Pane);
        var isCommand = completion.From == 0 && pane.Input.Text.StartsWith('/');
        var exact = isCommand && SlashCommand.Typed(pane.Input.Text) is not null;
        return act switch
        {
            Act.Up => model with { Chat = chat.With(chat.PaneId, pane with { Completion = completion.Move(-1) }) },
            Act.Down => model with { Chat = chat.With(chat.PaneId, pane with { Completion = completion.Move(1) }) },
            Act.Complete => Write(model, completion.Accept(pane.Input)),
            Act.Send when isCommand && !exact => Write(model, completion.Accept(pane.Input)),
            Act.Send when completion.IsPartOfName(pane.Input) => Write(model, completion.Accept(pane.Input)),
            Act.Cancel => model with { Chat = chat.With(chat.PaneId, pane with { Completion = null }) },
            _ => (Step?)null,
        };
    }

    private static Step Recall(Model model, int by)
    {
        var pane = model.Chat.Pane;
        var recalled = Math.Clamp(pane.Recalled + by, 0, pane.Sent.Count);
        if (recalled == pane.Recalled || pane.Writing == Writing.Edit)
        {
            return model;
        }

        // A text of one's own is not lost by looking back; what was recalled is.
        if (pane.Recalled == 0 && !pane.Input.IsEmpty)
        {
            return model;
        }

        var text = recalled == 0 ? "" : pane.Sent[^recalled];
        var step = Write(model, Editor.Of(text));
        var chat = step.Model.Chat;
        return step with { Model = step.Model with { Chat = chat.With(chat.PaneId, chat.Pane with { Recalled = recalled, Completion = null }) } };
    }

    private static Memory WithDraft(Memory memory, string room, string text) => text.Length == 0
        ? memory.Drafts.ContainsKey(room) ? memory with { Drafts = memory.Drafts.Remove(room) } : memory
        : memory with { Drafts = memory.Drafts.SetItem(room, text) };
}
