using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>The messages.</summary>
internal static class TimelineView
{
    public static void Draw(Model model, RoomView room, Canvas canvas)
    {
        if (canvas.Size.Height == 0)
        {
            return;
        }

        var timeline = new Timeline(model, room, canvas.Size);
        if (timeline.Count == 0)
        {
            DrawNothing(model, room, canvas);
            return;
        }

        var selected = model.Chat.Pane.Selected;
        var isFirst = true;
        foreach (var (y, entry, placed) in Scrolling.Visible(timeline, model.Chat.Pane.Scroll))
        {
            var row = isFirst && placed.Kind == RowKind.Body ? timeline.WithAuthor(placed, entry) : placed;
            isFirst = false;
            var chosen = selected is { } seq && timeline.SeqAt(entry) == seq && row.Kind is RowKind.Body or RowKind.Header && selected == timeline.SeqAt(entry);
            DrawRow(model, timeline, canvas, y, row, chosen);
        }
    }

    private static void DrawRow(Model model, Timeline timeline, Canvas canvas, int y, Row row, bool chosen)
    {
        var theme = model.Theme;
        var width = canvas.Size.Width;
        switch (row.Kind)
        {
            case RowKind.Day:
            case RowKind.New:
                var style = row.Kind == RowKind.New ? theme.New : theme.Rule;
                canvas.Write(0, y, new string('─', width), style);
                var text = $" {row.Line} ";
                var x = row.Kind == RowKind.New ? width - TextWidth.Of(text) - 2 : (width - TextWidth.Of(text)) / 2;
                canvas.Write(Math.Max(0, x), y, text, row.Kind == RowKind.New ? theme.New : theme.Dim);
                break;
            case RowKind.Edge:
                canvas.Write(Math.Max(0, (width - row.Line.Width) / 2), y, row.Line);
                break;
            case RowKind.Header:
                Paint(theme, canvas, 0, y, row.Line, chosen, width);
                break;
            default:
                if (chosen)
                {
                    canvas.Fill(new Rect(0, y, width, 1), theme.Over(theme.Text));
                    canvas.Write(timeline.IsWide ? timeline.BodyX - 2 : 0, y, timeline.IsWide ? " " : "▌", theme.Over(theme.Accent));
                }

                Paint(theme, canvas, 0, y, row.Gutter, chosen, 0);
                if (chosen && timeline.IsWide)
                {
                    canvas.Write(timeline.BodyX - 1, y, "▌", theme.Over(theme.Accent));
                }

                Paint(theme, canvas, timeline.BodyX, y, row.Line, chosen, 0);
                break;
        }
    }

    private static void Paint(Theme theme, Canvas canvas, int x, int y, StyledLine line, bool chosen, int fill)
    {
        if (chosen && fill > 0)
        {
            canvas.Fill(new Rect(0, y, fill, 1), theme.Over(theme.Text));
        }

        foreach (var span in line)
        {
            x += canvas.Write(x, y, span.Text, chosen ? theme.Over(span.Style) : span.Style);
        }
    }

    private static void DrawNothing(Model model, RoomView room, Canvas canvas)
    {
        var text = room.IsPlaceholder ? "The messages follow once a server answers. You can write already."
            : room.HasOlder || !model.Chat.Synced ? "loading …"
            : room.IsDirect ? $"Say hello to {room.Title}."
            : $"This is the beginning of {room.Address}. Say hello.";
        text = TextWidth.Truncate(text, canvas.Size.Width - 2);
        canvas.Write(Math.Max(0, (canvas.Size.Width - TextWidth.Of(text)) / 2), canvas.Size.Height / 2, text, model.Theme.Dim);
    }
}
