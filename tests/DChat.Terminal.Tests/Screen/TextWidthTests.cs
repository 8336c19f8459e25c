using DChat.Terminal.Screen;
using FsCheck;
using FsCheck.Fluent;

namespace DChat.Terminal.Tests.Screen;

public sealed class TextWidthTests
{
    [Theory]
    [InlineData("", 0)]
    [InlineData("hello", 5)]
    [InlineData("äöü", 3)]
    [InlineData("e\u0301", 1)]
    [InlineData("日本語", 6)]
    [InlineData("한국어", 6)]
    [InlineData("\u1112\u1161\u11ab", 2)]
    [InlineData("ｗ", 2)]
    [InlineData("👍", 2)]
    [InlineData("👍🏽", 2)]
    [InlineData("👩‍👩‍👧", 2)]
    [InlineData("🏳️‍🌈", 2)]
    [InlineData("🇩🇪", 2)]
    [InlineData("❤️", 2)]
    [InlineData("❤", 1)]
    [InlineData("#️⃣", 2)]
    [InlineData("🏴󠁧󠁢󠁳󠁣󠁴󠁿", 2)]
    [InlineData("שלום", 4)]
    [InlineData("می‌خواهم", 7)]
    [InlineData("│─┐", 3)]
    [InlineData("…", 1)]
    [InlineData("a\u200bb", 2)]
    [InlineData("\u0301", 0)]
    [InlineData("\u001b\u0007", 0)]
    [InlineData("\t", 1)]
    public void Text_takes_so_many_columns(string text, int width) => Assert.Equal(width, TextWidth.Of(text));

    [Theory]
    [InlineData("hello", 5, "hello")]
    [InlineData("hello", 4, "hel…")]
    [InlineData("日本語", 5, "日本…")]
    [InlineData("日本語", 4, "日…")]
    [InlineData("日本語", 1, "…")]
    [InlineData("hello", 0, "")]
    [InlineData("👩‍👩‍👧👩‍👩‍👧", 3, "👩‍👩‍👧…")]
    public void What_does_not_fit_ends_in_an_ellipsis(string text, int width, string expected) => Assert.Equal(expected, TextWidth.Truncate(text, width));

    [Fact]
    public void A_cell_buffer_agrees_with_the_measure() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(2_000), Prop.ForAll(FrameWriterTests.Hostile().ToArbitrary(), text =>
    {
        var frame = new CellBuffer(new Size(400, 1));
        var measured = TextWidth.Of(SafeText.Clean(text));
        var written = frame.Canvas.Write(0, 0, SafeText.Clean(text), Style.Default);
        Assert.Equal(Math.Min(400, measured), written);
        Assert.Equal(text, string.Concat(TextWidth.Graphemes(text)));
        Assert.InRange(TextWidth.Of(TextWidth.Truncate(text, 7)), 0, 7);
    }));
}
