using System.Text;
using DChat.Terminal.Screen;
using FsCheck;
using FsCheck.Fluent;

namespace DChat.Terminal.Tests.Screen;

public sealed class FrameWriterTests
{
    private static readonly TerminalAbilities Everything = new(ColorDepth.TrueColor, BackgroundShade.Unknown, Unicode: true);
    private static readonly Config Runs = Config.QuickThrowOnFailure.WithMaxTest(2_000).WithEndSize(12);

    [Fact]
    public void Whatever_is_drawn_the_terminal_shows_the_last_frame() => Check.One(Runs, Prop.ForAll(Stories(), story =>
    {
        var (writer, terminal) = (new FrameWriter(), new EmulatedTerminal(story.Size, Widths.Graphemes));
        foreach (var drawings in story.Frames)
        {
            var frame = Frame(story.Size, drawings);
            terminal.Receive(writer.Write(frame, Everything).Span);
            Assert.False(terminal.IsUpdating);
            Assert.Equal(frame.Cursor, terminal.Cursor);
            ForEachCell(frame, (x, y) => Assert.Equal(Shown(frame[x, y]), terminal[x, y]));
        }
    }));

    [Fact]
    public void A_terminal_that_thinks_otherwise_about_widths_shows_every_other_cell_right() => Check.One(Runs, Prop.ForAll(Stories(), story =>
    {
        var (writer, terminal) = (new FrameWriter(), new EmulatedTerminal(story.Size, Widths.CodePoints));
        foreach (var drawings in story.Frames)
        {
            var frame = Frame(story.Size, drawings);
            terminal.Receive(writer.Write(frame, Everything).Span);
            ForEachCell(frame, (x, y) =>
            {
                if (frame[x, y].Text is [>= ' ' and <= '~'])
                {
                    Assert.Equal(Shown(frame[x, y]), terminal[x, y]);
                }
                else if (frame[x, y].IsRightHalf)
                {
                    Assert.DoesNotMatch("[!-~]", terminal[x, y].Text);
                }
            });
        }
    }));

    [Fact]
    public void An_emoji_that_the_terminal_thinks_narrow_leaves_nothing_beside_it()
    {
        var (writer, size) = (new FrameWriter(), new Size(4, 1));
        var terminal = new EmulatedTerminal(size, Widths.CodePoints);
        foreach (var text in new[] { "abcd", "a❤️d" })
        {
            var frame = new CellBuffer(size);
            frame.Canvas.Write(0, 0, text, Style.Default);
            terminal.Receive(writer.Write(frame, Everything).Span);
        }

        Assert.Equal(["a", "❤", " ", "d"], Enumerable.Range(0, 4).Select(x => terminal[x, 0].Text));
    }

    [Fact]
    public void A_frame_that_changes_nothing_costs_next_to_nothing()
    {
        var (writer, size) = (new FrameWriter(), new Size(200, 60));
        CellBuffer Page(string last)
        {
            var frame = new CellBuffer(size);
            for (var y = 0; y < size.Height; y++)
            {
                frame.Canvas.Write(0, y, $"line {y} of a page that is full of text", Style.Default.WithForeground(Color.Palette(3)));
            }

            frame.Canvas.Write(0, 0, last, Style.Default);
            return frame;
        }

        Assert.InRange(writer.Write(Page("x"), Everything).Length, 1_000, 10_000);
        Assert.InRange(writer.Write(Page("x"), Everything).Length, 0, 30);
        Assert.InRange(writer.Write(Page("y"), Everything).Length, 0, 50);
        writer.Forget();
        Assert.InRange(writer.Write(Page("y"), Everything).Length, 1_000, 10_000);
    }

    [Theory]
    [InlineData(ColorDepth.TrueColor, "\e[0;38;2;250;10;10;104m")]
    [InlineData(ColorDepth.Palette256, "\e[0;38;5;196;104m")]
    [InlineData(ColorDepth.Ansi16, "\e[0;91;104m")]
    [InlineData(ColorDepth.None, "\e[0m")]
    internal void Colours_are_those_that_the_terminal_has(ColorDepth depth, string expected) =>
        Assert.Equal(expected, Ansi.SetStyle(Style.Default.WithForeground(Color.Rgb(250, 10, 10)).WithBackground(Color.Palette(12)), depth));

    [Fact]
    public void Without_colours_text_is_still_bold() =>
        Assert.Equal("\e[0;1;7m", Ansi.SetStyle(Style.Default.WithForeground(Color.Palette(1)).With(TextAttributes.Bold | TextAttributes.Reverse), ColorDepth.None));

    [Fact]
    public void A_terminal_without_unicode_gets_ascii()
    {
        var frame = new CellBuffer(new Size(20, 1));
        frame.Canvas.Write(0, 0, "│─ä日本…", Style.Default);

        var bytes = new FrameWriter().Write(frame, Everything with { Unicode = false });

        Assert.Contains("|-?????" + "~", Encoding.UTF8.GetString(bytes.Span), StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_of_others_becomes_a_sequence_outside_of_the_screen_either() => Check.One(Runs, Prop.ForAll(Hostile().ToArbitrary(), text =>
    {
        string[] whole =
        [
            Ansi.Title(text),
            Ansi.Notification(text, text, NotificationKind.Osc9),
            Ansi.Notification(text, text, NotificationKind.Osc777),
            Ansi.Clipboard(text),
            Ansi.Link(text),
            Ansi.Link("https://example.org/" + text),
        ];
        Assert.All(whole, sequence =>
        {
            Assert.StartsWith("\e]", sequence, StringComparison.Ordinal);
            Assert.EndsWith("\e\\", sequence, StringComparison.Ordinal);
            Assert.True(sequence[2..^2].EnumerateRunes().All(SafeText.IsSafe), sequence);
        });
    }));

    [Fact]
    public void A_clipboard_that_is_too_large_is_cut_between_characters()
    {
        var sequence = Ansi.Clipboard(new string('ä', 100_000));
        var copied = Encoding.UTF8.GetString(Convert.FromBase64String(sequence["\e]52;c;".Length..^2]));
        Assert.Equal(new string('ä', 74_994 / 2), copied);
    }

    internal static Gen<string> Hostile() =>
        Gen.OneOf(
            Gen.Elements("\u001b]0;x\u0007", "\u001b\\", "\u009c", "\u0007", ";", "\u202e", "\u2066", "\u2028", "\r\n", "a", "日", "👩‍👩‍👧", "\u200b", "\u0000", "\u001bP", "\u001b[2J"),
            Gen.Choose(0, 0xffff).Select(unit => ((char)unit).ToString()))
        .ArrayOf().Select(string.Concat);

    private static CellBuffer Frame(Size size, IEnumerable<Drawing> drawings)
    {
        var frame = new CellBuffer(size);
        foreach (var drawing in drawings)
        {
            drawing.On(frame);
        }

        return frame;
    }

    /// <summary>With the link that reaches the terminal.</summary>
    private static Cell Shown(Cell cell)
    {
        var link = Ansi.Link(cell.Style.Link)["\e]8;;".Length..^2];
        return cell with { Style = cell.Style.WithLink(link.Length == 0 ? null : link) };
    }

    private static void ForEachCell(CellBuffer frame, Action<int, int> check)
    {
        for (var y = 0; y < frame.Size.Height; y++)
        {
            for (var x = 0; x < frame.Size.Width; x++)
            {
                check(x, y);
            }
        }
    }

    private static Arbitrary<Story> Stories() =>
        (from size in RandomFrames.Sizes
         from frames in RandomFrames.Drawings.ArrayOf(3)
         select new Story(size, frames)).ToArbitrary();

    private sealed record Story(Size Size, Drawing[][] Frames)
    {
        public override string ToString() => $"{Size}\n" + string.Join("\n---\n", Frames.Select(frame => string.Join('\n', frame.Select(Describe))));

        private static string Describe(Drawing d) =>
            $"{d.X},{d.Y} fill {d.Fill} clip {d.Clip} " + string.Concat(d.Text.Select(c => c is >= ' ' and <= '~' ? c.ToString() : $"\\u{(int)c:x4}"));
    }
}
