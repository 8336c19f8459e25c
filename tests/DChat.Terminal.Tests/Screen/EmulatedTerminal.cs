using System.Globalization;
using System.Text;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Tests.Screen;

/// <summary>How a terminal lays out what it is sent.</summary>
internal enum Widths
{
    /// <summary>By grapheme, as <see cref="TextWidth"/> does (kitty, ghostty, Windows Terminal).</summary>
    Graphemes,

    /// <summary>By code point: what has no width joins the cell before, and an emoji of three people is three emoji (xterm, the Linux console).</summary>
    CodePoints,
}

/// <summary>A small strict terminal: does what the bytes say, and refuses every byte and sequence that the program has no business to send.</summary>
internal sealed class EmulatedTerminal(Size size, Widths widths)
{
    private readonly Cell[,] _cells = Blank(size);
    private int _x;
    private int _y;
    private Style _style;

    public Cell this[int x, int y] => _cells[x, y];

    public (int X, int Y)? Cursor => IsCursorShown ? (_x, _y) : null;

    public bool IsCursorShown { get; private set; }

    public bool IsUpdating { get; private set; }

    public void Receive(ReadOnlySpan<byte> bytes)
    {
        var text = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(bytes);
        for (var at = 0; at < text.Length;)
        {
            var end = text.IndexOf('\e', at);
            at += end == at ? Obey(text.AsSpan(at)) : Print(end < 0 ? text.AsSpan(at) : text.AsSpan(at..end));
        }
    }

    private static Cell[,] Blank(Size size)
    {
        var cells = new Cell[size.Width, size.Height];
        for (var y = 0; y < size.Height; y++)
        {
            for (var x = 0; x < size.Width; x++)
            {
                cells[x, y] = Cell.Blank;
            }
        }

        return cells;
    }

    private int Print(ReadOnlySpan<char> text)
    {
        Rune.DecodeFromUtf16(text, out var rune, out var length);
        Assert.True(SafeText.IsSafe(rune), $"U+{rune.Value:X4} reached the terminal");
        if (widths == Widths.Graphemes)
        {
            length = StringInfo.GetNextTextElementLength(text);
            Put(text[..length].ToString(), TextWidth.OfGrapheme(text[..length]));
        }
        else
        {
            Put(rune.ToString(), RuneWidth.Of(rune));
        }

        return length;
    }

    private void Put(string text, int width)
    {
        if (width == 0)
        {
            return;
        }

        // Without wrapping, what does not fit goes into the last cells.
        var x = Math.Min(_x, Math.Max(0, size.Width - width));
        width = Math.Min(width, size.Width);
        for (var column = x; column < x + width; column++)
        {
            Break(column);
        }

        _cells[x, _y] = new Cell(text, width, _style);
        if (width == 2)
        {
            _cells[x + 1, _y] = new Cell("", 0, _style);
        }

        _x = Math.Min(size.Width - 1, x + width);
    }

    /// <summary>Whoever loses a half loses the other too.</summary>
    private void Break(int x)
    {
        if (_cells[x, _y].IsRightHalf)
        {
            _cells[x - 1, _y] = Cell.Blank;
        }

        if (x + 1 < size.Width && _cells[x + 1, _y].IsRightHalf)
        {
            _cells[x + 1, _y] = Cell.Blank;
        }

        _cells[x, _y] = Cell.Blank;
    }

    private int Obey(ReadOnlySpan<char> text)
    {
        if (text.StartsWith("\e]8;;"))
        {
            var end = text.IndexOf("\e\\");
            var address = text[5..end].ToString();
            _style = _style with { Link = address.Length == 0 ? null : address };
            return end + 2;
        }

        Assert.True(text.StartsWith("\e["), "an unknown sequence");
        var final = 2;
        while (text[final] is < '@' or > '~')
        {
            final++;
        }

        Control(text[2..final].ToString(), text[final]);
        return final + 1;
    }

    private void Control(string parameters, char final)
    {
        switch (final, parameters)
        {
            case ('h', "?2026"):
                IsUpdating = true;
                break;
            case ('l', "?2026"):
                IsUpdating = false;
                break;
            case ('h', "?25"):
                IsCursorShown = true;
                break;
            case ('l', "?25"):
                IsCursorShown = false;
                break;
            case ('J', "2"):
                Array.Copy(Blank(size), _cells, _cells.Length);
                break;
            case ('K', ""):
                Assert.Equal(Style.Default, _style);
                for (var x = _x; x < size.Width; x++)
                {
                    Break(x);
                }

                break;
            case ('H', _):
                var place = parameters.Split(';').Select(int.Parse).ToArray();
                (_x, _y) = (place[1] - 1, place[0] - 1);
                Assert.True(_x < size.Width && _y < size.Height, "the cursor left the screen");
                break;
            case ('m', _):
                _style = SelectGraphics(parameters) with { Link = _style.Link };
                break;
            default:
                Assert.Fail($"unknown: CSI {parameters} {final}");
                break;
        }
    }

    private static Style SelectGraphics(string parameters)
    {
        var (style, codes) = (Style.Default, new Queue<int>(parameters.Split(';').Select(int.Parse)));
        Assert.Equal(0, codes.Dequeue());
        while (codes.TryDequeue(out var code))
        {
            style = code switch
            {
                1 => style.With(TextAttributes.Bold),
                2 => style.With(TextAttributes.Dim),
                3 => style.With(TextAttributes.Italic),
                4 => style.With(TextAttributes.Underline),
                7 => style.With(TextAttributes.Reverse),
                9 => style.With(TextAttributes.Strike),
                38 => style.WithForeground(Extended(codes)),
                48 => style.WithBackground(Extended(codes)),
                >= 30 and <= 37 => style.WithForeground(Color.Palette((byte)(code - 30))),
                >= 40 and <= 47 => style.WithBackground(Color.Palette((byte)(code - 40))),
                >= 90 and <= 97 => style.WithForeground(Color.Palette((byte)(code - 82))),
                >= 100 and <= 107 => style.WithBackground(Color.Palette((byte)(code - 92))),
                _ => throw new InvalidOperationException($"unknown: SGR {code}"),
            };
        }

        return style;
    }

    private static Color Extended(Queue<int> codes) => codes.Dequeue() == 5
        ? Color.Palette((byte)codes.Dequeue())
        : Color.Rgb((byte)codes.Dequeue(), (byte)codes.Dequeue(), (byte)codes.Dequeue());
}
