using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>Draws the topmost dialog in its box.</summary>
internal static class DialogView
{
    public static void Draw(Model model, Dialog dialog, Canvas screen)
    {
        var box = DialogBox.Of(model, dialog);
        Frame(model.Theme, screen, box.Outer, dialog.Title);
        var canvas = screen.Clip(box.Inner);
        switch (dialog)
        {
            case Dialog.Help help:
                Text(model, canvas, DialogText.Help(model), help.Top);
                break;
            case Dialog.Info info:
                Text(model, canvas, [.. info.Lines.Select(line => new StyledLine(line, model.Theme.Text))], info.Top);
                break;
            case Dialog.Confirm confirm:
                Question(model.Theme, canvas, confirm);
                break;
            case Dialog.Form form:
                Form(model, canvas, form);
                break;
            case Dialog.Menu menu:
                Menu(model, screen, canvas, box, menu);
                break;
            default:
                break;
        }
    }

    public static void Frame(Theme theme, Canvas screen, Rect outer, string title)
    {
        screen.Fill(outer, theme.Text);
        var canvas = screen.Clip(outer);
        var (width, height) = (outer.Width, outer.Height);
        canvas.Write(0, 0, $"╭{new string('─', Math.Max(0, width - 2))}╮", theme.Rule);
        for (var y = 1; y < height - 1; y++)
        {
            canvas.Write(0, y, "│", theme.Rule);
            canvas.Write(width - 1, y, "│", theme.Rule);
        }

        canvas.Write(0, height - 1, $"╰{new string('─', Math.Max(0, width - 2))}╯", theme.Rule);
        canvas.Write(2, 0, $" {TextWidth.Truncate(title, width - 6)} ", theme.Strong);
    }

    /// <summary>A field: its label, and what is in it; with the cursor where it is typed into.</summary>
    public static void Field(Theme theme, Canvas canvas, int y, int labelWidth, Field field, bool focused)
    {
        canvas.Write(0, y, TextWidth.Truncate(field.Label, labelWidth - 1), focused ? theme.Accent : theme.Dim);
        var room = canvas.Clip(new Rect(labelWidth, y, canvas.Size.Width - labelWidth, 1));
        if (field.IsChoice)
        {
            room.Write(0, 0, focused ? $"‹ {field.Text} ›" : $"  {field.Text}", focused ? theme.Strong : theme.Text);
            return;
        }

        room.Fill(new Rect(0, 0, room.Size.Width, 1), theme.Code);
        var shown = field.Secret ? Masked(field.Editor) : field.Editor;
        var text = EditorLayout.Of(shown, room.Size.Width);
        room.Write(0, 0, text.Rows[text.CursorRow], theme.Code with { Foreground = theme.Text.Foreground });
        if (shown.IsEmpty)
        {
            room.Write(1, 0, field.Hint, theme.Dim with { Background = theme.Code.Background });
        }

        if (focused)
        {
            room.SetCursor(text.CursorColumn, 0);
        }
    }

    private static Editor Masked(Editor secret)
    {
        var before = TextWidth.Graphemes(secret.Text[..secret.Cursor]).Count();
        var all = TextWidth.Graphemes(secret.Text).Count();
        return Editor.Of(new string('•', all)).At(before);
    }

    private static void Text(Model model, Canvas canvas, IReadOnlyList<StyledLine> lines, int top)
    {
        var rows = canvas.Size.Height - 1;
        for (var y = 0; y < rows && top + y < lines.Count; y++)
        {
            canvas.Write(0, y, lines[top + y]);
        }

        var foot = lines.Count > rows ? $"{model.Keymap.KeyOf(Act.Up)}{model.Keymap.KeyOf(Act.Down)} scroll · any other key closes" : "any key closes";
        canvas.Write(0, canvas.Size.Height - 1, foot, model.Theme.Dim);
    }

    private static void Question(Theme theme, Canvas canvas, Dialog.Confirm confirm)
    {
        var lines = TextLayout.Wrap([new Span(confirm.Text, theme.Text)], canvas.Size.Width);
        for (var y = 0; y < lines.Count; y++)
        {
            canvas.Write(0, y, lines[y]);
        }

        var foot = canvas.Size.Height - 1;
        var x = canvas.Write(0, foot, confirm.IsCareful ? "Y " : "Enter ", theme.Accent);
        x += canvas.Write(x, foot, confirm.Yes + "   ", theme.Text);
        if (confirm.Other is { } other)
        {
            x += canvas.Write(x, foot, "O ", theme.Accent);
            x += canvas.Write(x, foot, other + "   ", theme.Text);
        }

        x += canvas.Write(x, foot, confirm.IsCareful ? "Enter " : "Esc ", theme.Accent);
        canvas.Write(x, foot, "Cancel", theme.Text);
    }

    private static void Form(Model model, Canvas canvas, Dialog.Form form)
    {
        var theme = model.Theme;
        var y = 0;
        if (form.Text.Length > 0)
        {
            canvas.Write(0, y, TextWidth.Truncate(form.Text, canvas.Size.Width), theme.Dim);
            y += 2;
        }

        var label = Math.Min(canvas.Size.Width / 2, form.Fields.All.Max(f => TextWidth.Of(f.Label)) + 2);
        for (var i = 0; i < form.Fields.All.Length; i++)
        {
            Field(theme, canvas, y++, label, form.Fields.All[i], i == form.Fields.Focus && !form.Busy);
        }

        y = Math.Min(y + 1, canvas.Size.Height - 2);
        if (form.Problem is { } problem)
        {
            canvas.Write(0, y, TextWidth.Truncate(problem, canvas.Size.Width), theme.Bad);
        }

        var foot = canvas.Size.Height - 1;
        if (form.Busy)
        {
            canvas.Write(0, foot, "a moment …", theme.Dim);
            return;
        }

        var last = form.Fields.Focus == form.Fields.All.Length - 1;
        var x = canvas.Write(0, foot, "Enter ", theme.Accent);
        x += canvas.Write(x, foot, (last ? form.Submit : "next") + "   ", theme.Text);
        x += canvas.Write(x, foot, "Esc ", theme.Accent);
        canvas.Write(x, foot, "Cancel", theme.Text);
    }

    private static void Menu(Model model, Canvas screen, Canvas canvas, DialogBox box, Dialog.Menu menu)
    {
        var theme = model.Theme;
        if (menu.Types)
        {
            canvas.Write(0, 0, "› ", theme.Accent);
            var text = EditorLayout.Of(menu.Typed, Math.Max(2, canvas.Size.Width - 2));
            canvas.Write(2, 0, text.Rows[text.CursorRow], theme.Text);
            if (menu.Typed.IsEmpty)
            {
                canvas.Write(2, 0, TextWidth.Truncate(HintOf(menu), canvas.Size.Width - 2), theme.Dim);
            }

            canvas.SetCursor(2 + text.CursorColumn, 0);
            canvas.Write(0, 1, new string('─', canvas.Size.Width), theme.Rule);
        }

        var list = screen.Clip(box.List);
        var shown = menu.Shown;
        var top = box.TopOf(menu);
        for (var y = 0; y < list.Size.Height && top + y < shown.Length; y++)
        {
            Item(theme, list, y, shown[top + y], top + y == menu.Selected);
        }

        if (shown.Length == 0)
        {
            list.Write(0, 0, menu.Busy ? "a moment …" : EmptyOf(menu), theme.Dim);
        }

        if (DialogBox.HasContext(menu, box.Inner.Height))
        {
            var y = box.List.Bottom - box.Inner.Y;
            Context(model, menu, canvas.Clip(new Rect(0, y, canvas.Size.Width, canvas.Size.Height - y - 1)));
        }

        Foot(theme, canvas, menu, shown.Length);
    }

    private static void Item(Theme theme, Canvas canvas, int y, MenuItem item, bool chosen)
    {
        Style On(Style style) => chosen ? theme.Over(style) : style;
        var width = canvas.Size.Width;
        if (chosen)
        {
            canvas.Fill(new Rect(0, y, width, 1), theme.Over(theme.Text));
        }

        canvas.Write(0, y, chosen ? "▌" : " ", On(theme.Accent));
        var x = 2;
        if (item.Key.Length > 0)
        {
            canvas.Write(x, y, item.Key, On(theme.Accent));
            x += 3;
        }

        var detail = TextWidth.Truncate(item.Detail, Math.Max(0, Math.Max(width / 2, width - x - TextWidth.Of(item.Text) - 3)));
        var right = width - TextWidth.Of(detail) - 1;
        canvas.Write(x, y, TextWidth.Truncate(item.Text, Math.Max(4, right - x - 1)), On(item.Strong ? theme.Strong : theme.Text));
        canvas.Write(right, y, detail, On(theme.Dim));
    }

    /// <summary>The messages around the chosen hit.</summary>
    private static void Context(Model model, Dialog.Menu menu, Canvas canvas)
    {
        var theme = model.Theme;
        canvas.Write(0, 0, new string('─', canvas.Size.Width), theme.Rule);
        if (menu.Context is not var (_, seq, messages))
        {
            return;
        }

        var hit = messages.ToList().FindIndex(m => m.Seq == seq);
        var first = Math.Clamp(hit - ((canvas.Size.Height - 1) / 2), 0, Math.Max(0, messages.Length - (canvas.Size.Height - 1)));
        for (var y = 1; y < canvas.Size.Height && first + y - 1 < messages.Length; y++)
        {
            var message = messages[first + y - 1];
            var author = TextWidth.Truncate(SafeText.Clean(message.Author), 12);
            var isHit = message.Seq == seq;
            canvas.Write(0, y, isHit ? "▌" : " ", theme.Accent);
            var x = 1 + canvas.Write(1, y, TimeText.Clock(message.SentAt, model.Zone) + " ", theme.Dim);
            x += canvas.Write(x, y, author + " ", theme.NameOf(author));
            canvas.Write(x, y, MessageBody.Preview(message, Math.Max(0, canvas.Size.Width - x)), isHit ? theme.Strong : theme.Text);
        }
    }

    private static void Foot(Theme theme, Canvas canvas, Dialog.Menu menu, int shown)
    {
        var foot = canvas.Size.Height - 1;
        if (menu.Problem is { } problem)
        {
            canvas.Write(0, foot, TextWidth.Truncate(problem, canvas.Size.Width), theme.Bad);
            return;
        }

        var enter = menu.Kind switch
        {
            MenuKind.Browse => "join or open",
            MenuKind.Search or MenuKind.SearchEverywhere => "go there",
            _ => "choose",
        };
        var count = menu.Types && shown > 0 ? $"{shown}{(menu.Next is null ? "" : "+")}" : "";
        var text = menu.Busy && shown > 0 ? "a moment …" : $"Enter {enter}   Esc back";
        canvas.Write(0, foot, text, theme.Dim);
        canvas.Write(canvas.Size.Width - count.Length, foot, count, theme.Dim);
    }

    private static string HintOf(Dialog.Menu menu) => menu.Kind switch
    {
        MenuKind.Finder => "a room, @somebody, or what to do",
        MenuKind.Browse => "part of a name or topic",
        MenuKind.Search or MenuKind.SearchEverywhere => "words; \"words together\"; beginn*",
        MenuKind.Emoji => "name of an emoji",
        _ => "type to narrow it",
    };

    private static string EmptyOf(Dialog.Menu menu) => menu.Kind switch
    {
        MenuKind.Search or MenuKind.SearchEverywhere when menu.Typed.IsEmpty => "",
        MenuKind.Finder => "Enter writes to somebody of that name.",
        MenuKind.Bans => "Nobody is banned.",
        _ => "Nothing fits.",
    };
}
