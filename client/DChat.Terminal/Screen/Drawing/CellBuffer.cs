using System.Text;

namespace DChat.Terminal.Screen;

/// <summary>One frame: what the whole screen shows, cell by cell. Only clean text gets in, whatever is written into it.</summary>
internal sealed class CellBuffer
{
    private readonly Cell[] _cells;

    public CellBuffer(Size size)
    {
        Size = new Size(Math.Max(1, size.Width), Math.Max(1, size.Height));
        _cells = new Cell[Size.Width * Size.Height];
        Array.Fill(_cells, Cell.Blank);
    }

    public Size Size { get; }

    /// <summary>The whole of it, to draw on.</summary>
    public Canvas Canvas => new(this, new Rect(0, 0, Size.Width, Size.Height));

    /// <summary>Where the cursor stands; none where it is hidden.</summary>
    public (int X, int Y)? Cursor { get; internal set; }

    public Cell this[int x, int y] => _cells[(y * Size.Width) + x];

    public ReadOnlySpan<Cell> Row(int y) => _cells.AsSpan(y * Size.Width, Size.Width);

    /// <summary>The screen as text, a line for each row, without blanks at the ends of lines.</summary>
    public string ToText()
    {
        var text = new StringBuilder();
        for (var y = 0; y < Size.Height; y++)
        {
            var line = new StringBuilder();
            foreach (var cell in Row(y))
            {
                line.Append(cell.Text);
            }

            text.Append(line.ToString().TrimEnd(' ')).Append(y < Size.Height - 1 ? "\n" : "");
        }

        return text.ToString();
    }

    /// <summary>Puts a grapheme into its cells. A wide one that it cuts in half becomes blank.</summary>
    internal void Put(int x, int y, string text, int width, Style style)
    {
        var row = _cells.AsSpan(y * Size.Width, Size.Width);
        if (row[x].IsRightHalf)
        {
            row[x - 1] = new Cell(" ", 1, row[x - 1].Style);
        }

        var end = x + width;
        if (end < row.Length && row[end].IsRightHalf)
        {
            row[end] = new Cell(" ", 1, row[end].Style);
        }

        row[x] = new Cell(text, width, style);
        if (width == 2)
        {
            row[x + 1] = new Cell("", 0, style);
        }
    }
}
