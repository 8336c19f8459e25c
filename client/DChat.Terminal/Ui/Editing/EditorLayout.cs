using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>An editor's text in rows of a width, and where the cursor stands in them. A row is filled to its end: moving words while one types is unrest.</summary>
internal sealed record EditorLayout(IReadOnlyList<string> Rows, IReadOnlyList<int> Starts, int CursorRow, int CursorColumn)
{
    public static EditorLayout Of(Editor editor, int width)
    {
        width = Math.Max(2, width);
        List<string> rows = [];
        List<int> starts = [];
        var (start, column, at) = (0, 0, 0);
        var (cursorRow, cursorColumn) = (0, 0);
        var text = editor.Text;
        while (at < text.Length)
        {
            var length = TextWidth.LengthAt(text.AsSpan(at));
            var isBreak = text[at] == '\n';
            var wide = isBreak ? 0 : TextWidth.OfGrapheme(text.AsSpan(at, length));
            // One column stays free for the cursor behind the last character.
            if (!isBreak && column + wide > width - 1 && column > 0)
            {
                rows.Add(text[start..at]);
                starts.Add(start);
                (start, column) = (at, 0);
            }

            if (at == editor.Cursor)
            {
                (cursorRow, cursorColumn) = (rows.Count, column);
            }

            at += length;
            column += wide;
            if (isBreak)
            {
                rows.Add(text[start..(at - length)]);
                starts.Add(start);
                (start, column) = (at, 0);
            }
        }

        if (editor.Cursor == text.Length)
        {
            (cursorRow, cursorColumn) = (rows.Count, column);
        }

        rows.Add(text[start..]);
        starts.Add(start);
        return new EditorLayout(rows, starts, cursorRow, Math.Min(cursorColumn, width - 1));
    }

    /// <summary>As many rows as there is room for, with the cursor's among them.</summary>
    public EditorLayout Window(int height)
    {
        var count = Math.Min(Math.Max(1, height), Rows.Count);
        var first = Math.Clamp(CursorRow - count + 1, 0, Rows.Count - count);
        return new EditorLayout([.. Rows.Skip(first).Take(count)], [.. Starts.Skip(first).Take(count)], CursorRow - first, CursorColumn);
    }

    /// <summary>Where in the text a column of a row is.</summary>
    public int IndexOf(int row, int column)
    {
        var at = 0;
        foreach (var grapheme in TextWidth.Graphemes(Rows[row]))
        {
            column -= TextWidth.OfGrapheme(grapheme);
            if (column < 0)
            {
                break;
            }

            at += grapheme.Length;
        }

        return Starts[row] + at;
    }
}
