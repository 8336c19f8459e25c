using System.Buffers;
using System.Text;

namespace DChat.Terminal.Screen;

/// <summary>Makes a frame, and what the terminal shows already, into the fewest bytes that turn one into the other.</summary>
/// <remarks>
/// Terminals disagree about the width of many emoji and of some scripts. So after a grapheme of which they may think
/// otherwise the cursor is placed anew, its cells are cleared before, and the rest of its row is written again: whatever
/// the terminal thinks, every other cell shows what it should.
/// </remarks>
internal sealed class FrameWriter
{
    private readonly ArrayBufferWriter<byte> _bytes = new();
    private CellBuffer? _shown;
    private ColorDepth _depth;
    private bool _unicode;
    private Style _style;
    private (int X, int Y)? _position;

    /// <summary>The terminal shows something else now: the next frame is written as a whole.</summary>
    public void Forget() => _shown = null;

    /// <returns>The bytes to write, valid until the next call.</returns>
    public ReadOnlyMemory<byte> Write(CellBuffer frame, TerminalAbilities abilities)
    {
        _bytes.ResetWrittenCount();
        (_depth, _unicode, _style, _position) = (abilities.Colors, abilities.Unicode, Style.Default, null);
        Append(Ansi.BeginUpdate);
        Append(Ansi.HideCursor);
        if (_shown?.Size != frame.Size)
        {
            Append(Ansi.ResetStyle);
            Append(Ansi.EraseScreen);
            _shown = new CellBuffer(frame.Size);
        }

        for (var y = 0; y < frame.Size.Height; y++)
        {
            WriteRow(y, _shown.Row(y), frame.Row(y));
        }

        Use(Style.Default);
        if (frame.Cursor is { } cursor)
        {
            MoveTo(cursor.X, cursor.Y);
            Append(Ansi.ShowCursor);
        }

        Append(Ansi.EndUpdate);
        _shown = frame;
        return _bytes.WrittenMemory;
    }

    private void WriteRow(int y, ReadOnlySpan<Cell> shown, ReadOnlySpan<Cell> wanted)
    {
        var blankFrom = wanted.Length;
        while (blankFrom > 0 && wanted[blankFrom - 1] == Cell.Blank)
        {
            blankFrom--;
        }

        var rest = false;
        for (var x = 0; x < wanted.Length; x += Math.Max(1, wanted[x].Width))
        {
            if (!rest && wanted[x] == shown[x])
            {
                continue;
            }

            if (x >= blankFrom)
            {
                MoveTo(x, y);
                Use(Style.Default);
                Append(Ansi.EraseToEndOfLine);
                return;
            }

            var replaced = shown[x].IsRightHalf ? shown[x - 1] : shown[x];
            rest |= IsDoubtful(wanted[x].Text) || IsDoubtful(replaced.Text);
            WriteCell(x, y, wanted[x], wanted.Length);
        }
    }

    private void WriteCell(int x, int y, Cell cell, int width)
    {
        MoveTo(x, y);
        Use(cell.Style);
        if (!_unicode)
        {
            Append(AsciiOnly.Replace(cell));
        }
        else if (IsDoubtful(cell.Text))
        {
            Append(cell.Width == 2 ? "  " : " ");
            _position = null;
            MoveTo(x, y);
            Append(cell.Text);
            _position = null;
            return;
        }
        else
        {
            Append(cell.Text);
        }

        // At the right edge the cursor stays on the last cell.
        _position = x + cell.Width < width ? (x + cell.Width, y) : null;
    }

    private void MoveTo(int x, int y)
    {
        if (_position != (x, y))
        {
            Append(Ansi.MoveTo(x, y));
            _position = (x, y);
        }
    }

    private void Use(Style style)
    {
        if (style.Link != _style.Link)
        {
            Append(Ansi.Link(style.Link));
        }

        if (style with { Link = null } != _style with { Link = null })
        {
            Append(Ansi.SetStyle(style, _depth));
        }

        _style = style;
    }

    /// <summary>Whether some terminal may give it another width than <see cref="TextWidth"/>, or may join it to its neighbours.</summary>
    private static bool IsDoubtful(string grapheme)
    {
        var first = grapheme.Length == 0 ? ' ' : grapheme[0];
        var certain = first is < '\u0900' or (>= '\u2010' and <= '\u2027') or (>= '\u2500' and <= '\u259f')
            or (>= '\u3041' and <= '\u3096') or (>= '\u30a1' and <= '\u30fa') or (>= '\u3400' and <= '\u9fff') or (>= '\uac00' and <= '\ud7a3') or (>= '\uff01' and <= '\uff60');
        if (!certain)
        {
            return true;
        }

        foreach (var mark in grapheme.AsSpan(Math.Min(1, grapheme.Length)))
        {
            if (mark is < '\u0300' or > '\u036f')
            {
                return true;
            }
        }

        return false;
    }

    private void Append(string text) => Encoding.UTF8.GetBytes(text, _bytes);
}
