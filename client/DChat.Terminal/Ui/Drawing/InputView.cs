using System.Globalization;
using DChat.Protocol;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>Where one writes, what is answered or edited above it, and what would complete the word.</summary>
internal static class InputView
{
    private const int CountFrom = ProtocolLimits.BodyMax - 1_000;

    public static void Draw(Model model, Canvas screen, Layout layout, bool hasCursor)
    {
        DrawContext(model, screen.Clip(layout.Context));
        var canvas = screen.Clip(layout.Input);
        var (theme, pane) = (model.Theme, model.Chat.Pane);
        var text = EditorLayout.Of(pane.Input, Layout.InputWidth(canvas.Size.Width)).Window(canvas.Size.Height);
        var prompt = pane.Writing switch
        {
            Writing.Edit => "✎",
            Writing.Reply => "╰",
            _ => model.Settings.Vi && pane.Vi.IsNormal ? "▪" : "›",
        };
        canvas.Write(1, 0, prompt, pane.IsActing ? theme.Dim : theme.Accent);
        if (pane.Input.IsEmpty)
        {
            canvas.Write(3, 0, TextWidth.Truncate(Hint(model), canvas.Size.Width - 4), theme.Dim);
        }

        for (var y = 0; y < text.Rows.Count; y++)
        {
            canvas.Write(3, y, text.Rows[y], theme.Text);
        }

        if (pane.Input.Text.Length > CountFrom)
        {
            // In the line above, where there is one: it covers no text there.
            var line = layout.Between.Height > 0 ? screen.Clip(layout.Between) : canvas;
            var left = string.Create(CultureInfo.InvariantCulture, $" {ProtocolLimits.BodyMax - pane.Input.Text.EnumerateRunes().Count():N0} left ");
            line.Write(line.Size.Width - left.Length - 1, line.Size.Height - 1, left, theme.New);
        }

        if (hasCursor && !pane.IsActing)
        {
            canvas.SetCursor(Math.Min(canvas.Size.Width - 1, 3 + text.CursorColumn), text.CursorRow);
        }

        if (pane.Completion is { } completion && hasCursor)
        {
            DrawCompletion(model, screen, layout, completion);
        }
    }

    private static string Hint(Model model) => model.Chat switch
    {
        { Pane: { IsActing: true, Selected: { } seq } } => string.Join("  ", MessageKeys.All.Where(a => MessageKeys.Offers(model, seq).Contains(a.Act)).Select(a => $"{a.Key} {a.Short}")) + "  Esc back",
        { Room: { } room } => room.Archived ? "This room is archived." : $"Message {room.Address}",
        _ => "/ lists the commands",
    };

    private static void DrawContext(Model model, Canvas canvas)
    {
        var (pane, room) = (model.Chat.Pane, model.Chat.Room);
        if (canvas.Size.Height == 0 || room is null)
        {
            return;
        }

        var subject = room.Find(pane.Subject);
        var what = pane.Writing == Writing.Edit ? "Editing" : $"Answering {SafeText.Clean(subject?.Author)}";
        var x = 1 + canvas.Write(1, 0, pane.Writing == Writing.Edit ? "✎ " : "╭ ", model.Theme.Accent);
        x += canvas.Write(x, 0, what + "  ", model.Theme.Accent);
        const string Back = " Esc stops ";
        if (subject is not null)
        {
            canvas.Write(x, 0, MessageBody.Preview(subject, Math.Max(0, canvas.Size.Width - x - Back.Length - 1)), model.Theme.Dim);
        }

        canvas.Write(canvas.Size.Width - Back.Length, 0, Back, model.Theme.Dim);
    }

    private static void DrawCompletion(Model model, Canvas screen, Layout layout, Completion completion)
    {
        var theme = model.Theme;
        var shown = Math.Min(Math.Min(Completion.Shown, completion.Items.Length), layout.Timeline.Height);
        if (shown <= 0)
        {
            return;
        }

        var first = Math.Clamp(completion.Selected - shown + 1, 0, completion.Items.Length - shown);
        var items = completion.Items.AsSpan(first, shown);
        var (wide, says) = (0, 0);
        foreach (var item in items)
        {
            wide = Math.Max(wide, TextWidth.Of(item.Shown));
            says = Math.Max(says, TextWidth.Of(item.Says));
        }

        var width = Math.Min(layout.Input.Width, wide + (says > 0 ? says + 2 : 0) + 5);
        var top = layout.Input.Y - layout.Context.Height - layout.Between.Height - shown;
        var canvas = screen.Clip(new Rect(layout.Input.X, top, width, shown));
        canvas.Fill(new Rect(0, 0, width, shown), theme.Code);
        for (var y = 0; y < shown; y++)
        {
            var chosen = first + y == completion.Selected;
            var back = theme.Code.Background;
            Style On(Style style) => chosen ? theme.Over(style) : style with { Background = back };
            if (chosen)
            {
                canvas.Fill(new Rect(0, y, width, 1), theme.Over(theme.Text));
            }

            canvas.Write(1, y, chosen ? "▌" : " ", On(theme.Accent));
            var x = 3 + canvas.Write(3, y, TextWidth.Truncate(items[y].Shown, width - 4), On(theme.Text));
            if (items[y].Says.Length > 0 && width - wide - 6 > 0)
            {
                canvas.Write(Math.Max(x + 2, wide + 5), y, TextWidth.Truncate(items[y].Says, width - wide - 6), On(theme.Dim));
            }
        }
    }
}
