using DChat.Terminal.Screen;
using FsCheck;
using FsCheck.Fluent;

namespace DChat.Terminal.Tests.Screen;

/// <summary>Something drawn, harmless or not.</summary>
internal sealed record Drawing(int X, int Y, string Text, Style Style, Rect? Fill, Rect? Clip)
{
    public void On(CellBuffer frame)
    {
        var canvas = Clip is { } clip ? frame.Canvas.Clip(clip) : frame.Canvas;
        if (Fill is { } area)
        {
            canvas.Fill(area, Style);
        }

        var written = canvas.Write(X, Y, Text, Style);
        Assert.InRange(written, 0, Math.Max(0, canvas.Size.Width - X));
        canvas.SetCursor(X + written, Y);
    }
}

/// <summary>Frames that people would never make, and those that they would.</summary>
internal static class RandomFrames
{
    private static readonly string[] Texts =
    [
        "hello", "hello world", " ", "   ", "│", "──────", "日本語", "a日b本c", "👍", "👍🏽", "👩‍👩‍👧", "❤️", "🏳️‍🌈", "🇩🇪🇫🇷", "#️⃣", "e\u0301o\u0308", "שלום", "مرحبا",
        "क्षि", "한국어", "\u1112\u1161\u11ab", "\u001b[31mred\u001b[0m", "\u001b]0;title\u0007", "\u009b2J", "\u202eevil\u202c", "a\u200bb", "\u0301\u0301", "a\tb", "a\nb",
        "\ud83d", "\udc4d", "x" + new string('\u0301', 100), "\u200d", "\ufe0f", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "\u115f", "ｗｉｄｅ", "…", "\u06001",
    ];

    private static readonly Color[] Colors = [Color.Default, Color.Palette(1), Color.Palette(12), Color.Palette(200), Color.Rgb(1, 2, 3)];

    private static readonly string?[] Links = [null, null, null, "https://example.org/", "javascript:alert(1)", "http://a\u001b\\b", "https://example.org/\u001b]0;x\u0007", "https://example.org/ä b"];

    public static Gen<Size> Sizes { get; } =
        from width in Gen.Choose(1, 30)
        from height in Gen.Choose(1, 6)
        select new Size(width, height);

    public static Gen<Drawing[]> Drawings { get; } = Drawing().ArrayOf();

    private static Gen<Drawing> Drawing() =>
        from x in Gen.Choose(-4, 32)
        from y in Gen.Choose(-1, 7)
        from text in Gen.OneOf(Gen.Elements(Texts), Gen.Choose(0, 0xffff).Select(unit => ((char)unit).ToString())).ArrayOf(3).Select(string.Concat)
        from style in Styles()
        from fill in Gen.OneOf(Gen.Constant<Rect?>(null), Rects())
        from clip in Gen.OneOf(Gen.Constant<Rect?>(null), Rects())
        select new Drawing(x, y, text, style, fill, clip);

    private static Gen<Style> Styles() =>
        from foreground in Gen.Elements(Colors)
        from background in Gen.Elements(Colors)
        from attributes in Gen.Choose(0, 63)
        from link in Gen.Elements(Links)
        select new Style(foreground, background, (TextAttributes)attributes, link);

    private static Gen<Rect?> Rects() =>
        from x in Gen.Choose(-3, 20)
        from y in Gen.Choose(-3, 6)
        from width in Gen.Choose(-1, 20)
        from height in Gen.Choose(-1, 6)
        select (Rect?)new Rect(x, y, width, height);
}
