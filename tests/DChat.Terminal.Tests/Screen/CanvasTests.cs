using DChat.Terminal.Screen;

namespace DChat.Terminal.Tests.Screen;

public sealed class CanvasTests
{
    [Fact]
    public void Text_is_cut_at_the_edges_and_wide_characters_in_half_are_blank()
    {
        var frame = new CellBuffer(new Size(6, 3));

        Assert.Equal(6, frame.Canvas.Write(0, 0, "hello world", Style.Default));
        Assert.Equal(5, frame.Canvas.Write(1, 1, "日本語", Style.Default));
        Assert.Equal(4, frame.Canvas.Write(-1, 2, "日本", Style.Default));
        frame.Canvas.Write(0, 3, "below", Style.Default);
        frame.Canvas.Write(0, -1, "above", Style.Default);

        Assert.Equal("hello \n 日本\n 本", frame.ToText().Replace("hello", "hello ", StringComparison.Ordinal));
    }

    [Fact]
    public void A_part_has_coordinates_of_its_own()
    {
        var frame = new CellBuffer(new Size(8, 3));
        var part = frame.Canvas.Clip(new Rect(2, 1, 4, 9));

        Assert.Equal(new Size(4, 2), part.Size);
        part.Write(0, 0, "inside and out", Style.Default);
        part.Write(3, 1, "x", Style.Default);
        part.SetCursor(1, 1);
        part.SetCursor(4, 0);

        Assert.Equal("\n  insi\n     x", frame.ToText());
        Assert.Equal((3, 2), frame.Cursor);
    }

    [Fact]
    public void Overwriting_half_of_a_wide_character_blanks_the_other()
    {
        var frame = new CellBuffer(new Size(6, 1));
        frame.Canvas.Write(0, 0, "日本語", Style.Default);
        frame.Canvas.Write(1, 0, "x", Style.Default);
        frame.Canvas.Write(4, 0, "y", Style.Default);

        Assert.Equal(" x本y", frame.ToText());
    }

    [Fact]
    public void Only_clean_text_gets_in()
    {
        var frame = new CellBuffer(new Size(40, 1));
        frame.Canvas.Write(0, 0, "\u001b[31ma\u0007\u202eb\nc\td\u009b2J x" + new string('\u0301', 1_000), Style.Default);

        Assert.StartsWith("[31mabc d2J x\u0301", frame.ToText(), StringComparison.Ordinal);
        Assert.InRange(frame.ToText().Length, 1, 60);
    }
}
