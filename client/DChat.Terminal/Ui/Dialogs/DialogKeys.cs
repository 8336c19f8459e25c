using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>Keys and mouse while a dialog is open.</summary>
internal static class DialogKeys
{
    private const int Page = 10;

    public static Step Input(Model model, InputEvent input) => (model.Dialog, input) switch
    {
        (_, KeyPressed key) when model.Keymap.Find(key) is Act.Cancel or Act.Interrupt => model.Pop(),
        (_, KeyPressed key) when model.Keymap.Find(key) is Act.Quit or Act.Suspend or Act.Redraw => ChatKeys.Global(model, model.Keymap.Find(key)!.Value)!.Value,
        (Dialog.Help help, _) => Read(model, help.Top, top => help with { Top = top }, input, DialogText.Help(model).Count),
        (Dialog.Info info, _) => Read(model, info.Top, top => info with { Top = top }, input, info.Lines.Length),
        (Dialog.Confirm confirm, KeyPressed key) => Answer(model, confirm, key),
        (Dialog.Form form, KeyPressed key) => Fill(model, form, key),
        (Dialog.Form form, Pasted paste) => model.With(form with { Fields = form.Fields.Paste(paste.Text) }),
        (Dialog.Menu menu, KeyPressed key) => Choose(model, menu, key),
        (Dialog.Menu { Types: true } menu, Pasted paste) => Retyped(model, menu, menu.Typed.Insert(paste.Text.ReplaceLineEndings(" ").Trim())),
        (_, MouseInput mouse) => DialogPointer.Move(model, mouse),
        _ => model,
    };

    private static Step Read(Model model, int top, Func<int, Dialog> at, InputEvent input, int lines)
    {
        var by = input switch
        {
            MouseInput { Kind: MouseKind.WheelUp } => -3,
            MouseInput { Kind: MouseKind.WheelDown } => 3,
            KeyPressed key => model.Keymap.Find(key) switch
            {
                Act.Up or Act.LineUp => -1,
                Act.Down or Act.LineDown => 1,
                Act.PageUp => -Page,
                Act.PageDown => Page,
                Act.LineStart or Act.FirstMessage => -lines,
                Act.LineEnd or Act.LastMessage => lines,
                _ => 0,
            },
            _ => 0,
        };
        if (by != 0)
        {
            var rows = DialogText.RowsOf(model);
            return model.With(at(Math.Clamp(top + by, 0, Math.Max(0, lines - rows))));
        }

        // A question mark that one wanted to write: the second one is.
        return input switch
        {
            KeyPressed { Text: "?", Modifiers: KeyModifiers.None or KeyModifiers.Shift } when model.Dialog is Dialog.Help => ChatKeys.Insert(model.Pop(), "?"),
            KeyPressed => model.Pop(),
            MouseInput { Kind: MouseKind.Down } => model.Pop(),
            _ => model,
        };
    }

    private static Step Answer(Model model, Dialog.Confirm confirm, KeyPressed key) => (model.Keymap.Find(key), Typed.TextOf(key)) switch
    {
        (Act.Send, _) when confirm.IsCareful => model.Pop(),
        (Act.Send, _) or (_, "y" or "Y") => Choices.Apply(model.Pop(), confirm.OnYes),
        (_, "o" or "O" or "f" or "F") when confirm.OnOther is { } other => Choices.Apply(model.Pop(), other),
        (_, "n" or "N") => model.Pop(),
        (_, not null) when confirm.IsCareful && model.Dialogs.Count == 1 => MessageKeys.GoOnWriting(model.Pop(), key),
        _ => model,
    };

    private static Step Fill(Model model, Dialog.Form form, KeyPressed key)
    {
        if (form.Busy)
        {
            return model;
        }

        var act = model.Keymap.Find(key);
        var fields = form.Fields;
        switch (act)
        {
            case Act.Send when fields.Focus == fields.All.Length - 1:
                return Forms.Submit(model, form);
            case Act.Complete when form.Kind == FormKind.Upload && fields.Focused.Id == "path" && fields["path"].Length > 0:
                return model.Step().And(new Effect.ListPaths(fields["path"]));
            case Act.Send or Act.Down or Act.Complete:
                return model.With(form with { Fields = fields.Move(1) });
            case Act.Up:
                return model.With(form with { Fields = fields.Move(-1) });
            default:
                break;
        }

        return key is { Key: Key.Tab, Modifiers: KeyModifiers.Shift } ? model.With(form with { Fields = fields.Move(-1) })
            : fields.Press(key, act) is { } typed ? model.With(form with { Fields = typed, Problem = null })
            : model;
    }

    private static Step Choose(Model model, Dialog.Menu menu, KeyPressed key)
    {
        var act = model.Keymap.Find(key);
        var by = act switch
        {
            Act.Up or Act.SelectUp or Act.PreviousRoom => -1,
            Act.Down or Act.SelectDown or Act.NextRoom => 1,
            Act.PageUp => -Page,
            Act.PageDown => Page,
            Act.Complete => 1,
            Act.FindRoom when menu.Kind == MenuKind.Finder => 1,
            _ => 0,
        };
        if (by != 0)
        {
            return Select(model, menu, menu.Selected + by, wrap: Math.Abs(by) == 1);
        }

        if (act == Act.Send)
        {
            return Enter(model, menu);
        }

        if (menu.Types && EditorKeys.Apply(menu.Typed, act) is { } edited && act != Act.NewLine)
        {
            return edited.Text == menu.Typed.Text ? model.With(menu with { Typed = edited }) : Retyped(model, menu, edited);
        }

        if (Typed.TextOf(key) is not { } text)
        {
            return model;
        }

        var hot = menu.Types ? null : menu.Items.FirstOrDefault(item => item.Key == text);
        return hot is not null ? Choices.Apply(model, hot.Choice)
            : menu.Types ? Retyped(model, menu, menu.Typed.Insert(text))
            : text == "j" ? Select(model, menu, menu.Selected + 1, wrap: true)
            : text == "k" ? Select(model, menu, menu.Selected - 1, wrap: true)
            : model;
    }

    public static Step Enter(Model model, Dialog.Menu menu) => menu.IsBehind || (menu.Busy && !menu.Asks) ? model
        : menu.Chosen is { } chosen ? Choices.Apply(model, chosen.Choice)
        : menu.Kind == MenuKind.Finder && menu.Typed.Text.Trim().TrimStart('@') is { Length: > 1 } name ? Choices.Apply(model, new Choice.Direct(name))
        : model;

    public static Step Select(Model model, Dialog.Menu menu, int index, bool wrap)
    {
        var count = menu.Shown.Length;
        if (count == 0)
        {
            return model;
        }

        var selected = wrap && menu.Next is null ? (index + count) % count : Math.Clamp(index, 0, count - 1);
        var moved = menu with { Selected = selected, Context = null };
        var step = model.With(moved).Step();
        if (moved.Chosen?.Choice is Choice.Jump(var room, var seq))
        {
            step = step.And(new Effect.LoadContext(room, seq));
        }

        // The next page, before the end of this one is reached.
        return menu is { Next: { } next, Busy: false } && selected >= count - Page
            ? (step.Model.With(moved with { Busy = true })).Step().And(step.Effects).And(PageAfter(menu, next))
            : step;
    }

    private static Effect PageAfter(Dialog.Menu menu, string next) => menu.Kind == MenuKind.Browse
        ? new Effect.ListRooms(menu.Query, next)
        : new Effect.Search(menu.Query, menu.Kind == MenuKind.Search ? menu.Subject : null, next);

    private static Step Retyped(Model model, Dialog.Menu menu, Editor typed)
    {
        const int QueryMax = Protocol.ProtocolLimits.SearchQueryMax;
        if (typed.Text.Length > QueryMax || typed.Text.Contains('\n'))
        {
            return model;
        }

        var next = menu with { Typed = typed, Selected = 0, Context = null, Problem = null };
        var query = next.Query;
        if (!menu.Asks || query == menu.Query)
        {
            return model.With(next);
        }

        return menu.Kind == MenuKind.Browse
            ? model.With(next with { Busy = true }).Step().And(new Effect.ListRooms(query, null))
            : query.Length == 0
                ? model.With(next with { Items = [], Next = null, Busy = false })
                : model.With(next with { Busy = true }).Step().And(new Effect.Search(query, menu.Kind == MenuKind.Search ? menu.Subject : null, null));
    }
}
