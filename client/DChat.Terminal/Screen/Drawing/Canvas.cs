using System.Text;

namespace DChat.Terminal.Screen;

/// <summary>A rectangle of a frame to draw on, with coordinates of its own from 0. What lies outside of it is cut off.</summary>
internal readonly struct Canvas
{
    /// <summary>Characters in a grapheme; what piles up beyond is left out (stacked accents climb over other lines).</summary>
    private const int MaxGraphemeLength = 32;

    private readonly CellBuffer _buffer;
    private readonly Rect _area;

    internal Canvas(CellBuffer buffer, Rect area) => (_buffer, _area) = (buffer, area);

    public Size Size => new(_area.Width, _area.Height);

    /// <summary>A part of it; as much as lies inside.</summary>
    public Canvas Clip(Rect rect) => new(_buffer, _area.Intersect(new Rect(_area.X + rect.X, _area.Y + rect.Y, Math.Max(0, rect.Width), Math.Max(0, rect.Height))));

    /// <summary>Writes on one row. Text of any origin is safe here: what is no printable character is left out.</summary>
    /// <returns>The columns from <paramref name="x"/> that the text takes, up to the right edge.</returns>
    public int Write(int x, int y, string text, Style style)
    {
        if (y < 0 || y >= _area.Height)
        {
            return Math.Min(TextWidth.Of(text), Math.Max(0, _area.Width - x));
        }

        var column = x;
        var rest = text.AsSpan();
        while (!rest.IsEmpty && column < _area.Width)
        {
            var length = TextWidth.LengthAt(rest);
            column += WriteGrapheme(column, y, rest[..length], style);
            rest = rest[length..];
        }

        return column - x;
    }

    /// <returns>As for text.</returns>
    public int Write(int x, int y, StyledLine line)
    {
        var column = x;
        foreach (var span in line)
        {
            column += Write(column, y, span.Text, span.Style);
        }

        return column - x;
    }

    /// <summary>Blanks in a style.</summary>
    public void Fill(Rect rect, Style style)
    {
        var area = Clip(rect)._area;
        for (var y = area.Y; y < area.Bottom; y++)
        {
            for (var x = area.X; x < area.Right; x++)
            {
                _buffer.Put(x, y, " ", 1, style);
            }
        }
    }

    /// <summary>Shows the cursor here; outside of the canvas it stays as it was.</summary>
    public void SetCursor(int x, int y)
    {
        if (x >= 0 && x < _area.Width && y >= 0 && y < _area.Height)
        {
            _buffer.Cursor = (_area.X + x, _area.Y + y);
        }
    }

    private int WriteGrapheme(int x, int y, ReadOnlySpan<char> grapheme, Style style)
    {
        if (grapheme.Length == 1 && grapheme[0] is (>= ' ' and <= '~') or '\t')
        {
            Put(x, y, grapheme[0] == '\t' ? " " : TextWidth.Ascii[grapheme[0]], 1, style);
            return 1;
        }

        var clean = Clean(grapheme);
        var width = TextWidth.OfGrapheme(clean);
        if (width > 0)
        {
            Put(x, y, clean, width, style);
        }

        return Math.Min(width, _area.Width - x);
    }

    /// <summary>A wide grapheme that the edge cuts becomes a blank.</summary>
    private void Put(int x, int y, string text, int width, Style style)
    {
        for (var column = x; column < x + width; column++)
        {
            if (column < 0 || column >= _area.Width)
            {
                (text, width, x) = (" ", 1, column == x ? x + 1 : x);
                break;
            }
        }

        if (x >= 0 && x < _area.Width)
        {
            _buffer.Put(_area.X + x, _area.Y + y, text, width, style);
        }
    }

    private static string Clean(ReadOnlySpan<char> grapheme)
    {
        var clean = new StringBuilder();
        foreach (var rune in grapheme.EnumerateRunes())
        {
            if (SafeText.IsSafe(rune) && clean.Length + rune.Utf16SequenceLength <= MaxGraphemeLength)
            {
                clean.Append(rune);
            }
        }

        return clean.ToString();
    }
}
