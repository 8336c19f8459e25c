using System.Collections.Immutable;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>
/// The few styles that everything is drawn with. What is chosen or new is never told by colour alone: a sign or an
/// attribute says it too, for terminals without colours.
/// </summary>
internal sealed record Theme
{
    public required string Name { get; init; }

    public Style Text { get; init; }

    /// <summary>What one may overlook: times, hints, who is away.</summary>
    public required Style Dim { get; init; }

    /// <summary>Lines between the panes.</summary>
    public required Style Rule { get; init; }

    public required Style Strong { get; init; }

    public required Style Accent { get; init; }

    /// <summary>Names the user.</summary>
    public required Style Mention { get; init; }

    /// <summary>Unread messages, and the line above them.</summary>
    public required Style New { get; init; }

    public required Style Good { get; init; }

    public required Style Bad { get; init; }

    public required Style Code { get; init; }

    public required Style Quote { get; init; }

    public required Style Link { get; init; }

    /// <summary>Laid over a row that is chosen.</summary>
    public required Style Selected { get; init; }

    public required ImmutableArray<Color> Names { get; init; }

    public static readonly Theme Dark = new()
    {
        Name = "dark",
        Text = default,
        Dim = Ink(128, 134, 152),
        Rule = Ink(76, 82, 102),
        Strong = new Style(Color.Default, Color.Default, TextAttributes.Bold),
        Accent = Ink(122, 170, 247),
        Mention = new Style(Color.Rgb(236, 190, 110), Color.Default, TextAttributes.Bold),
        New = Ink(240, 140, 110),
        Good = Ink(150, 200, 110),
        Bad = Ink(244, 120, 140),
        Code = new Style(Color.Rgb(190, 200, 220), Color.Rgb(38, 42, 56), TextAttributes.None),
        Quote = new Style(Color.Rgb(150, 158, 180), Color.Default, TextAttributes.Italic),
        Link = new Style(Color.Rgb(122, 170, 247), Color.Default, TextAttributes.Underline),
        Selected = new Style(Color.Default, Color.Rgb(48, 54, 76), TextAttributes.None),
        Names = [Rgb(130, 180, 240), Rgb(150, 200, 120), Rgb(230, 170, 110), Rgb(200, 150, 230), Rgb(100, 200, 200), Rgb(235, 140, 160), Rgb(215, 195, 110), Rgb(160, 165, 245)],
    };

    public static readonly Theme Light = new()
    {
        Name = "light",
        Text = default,
        Dim = Ink(112, 118, 134),
        Rule = Ink(176, 182, 194),
        Strong = new Style(Color.Default, Color.Default, TextAttributes.Bold),
        Accent = Ink(24, 96, 200),
        Mention = new Style(Color.Rgb(160, 84, 0), Color.Default, TextAttributes.Bold),
        New = Ink(200, 70, 30),
        Good = Ink(36, 120, 44),
        Bad = Ink(190, 30, 62),
        Code = new Style(Color.Rgb(50, 60, 80), Color.Rgb(232, 235, 242), TextAttributes.None),
        Quote = new Style(Color.Rgb(90, 98, 116), Color.Default, TextAttributes.Italic),
        Link = new Style(Color.Rgb(24, 96, 200), Color.Default, TextAttributes.Underline),
        Selected = new Style(Color.Default, Color.Rgb(218, 228, 244), TextAttributes.None),
        Names = [Rgb(20, 90, 180), Rgb(40, 120, 50), Rgb(170, 90, 10), Rgb(130, 60, 170), Rgb(0, 120, 130), Rgb(190, 40, 80), Rgb(130, 110, 0), Rgb(80, 80, 190)],
    };

    /// <summary>For 16 colours, and for none: only what every terminal has, and its own shades of it.</summary>
    public static readonly Theme Plain = new()
    {
        Name = "plain",
        Text = default,
        Dim = new Style(Color.Default, Color.Default, TextAttributes.Dim),
        Rule = new Style(Color.Default, Color.Default, TextAttributes.Dim),
        Strong = new Style(Color.Default, Color.Default, TextAttributes.Bold),
        Accent = new Style(Color.Palette(6), Color.Default, TextAttributes.None),
        Mention = new Style(Color.Palette(3), Color.Default, TextAttributes.Bold),
        New = new Style(Color.Palette(1), Color.Default, TextAttributes.None),
        Good = new Style(Color.Palette(2), Color.Default, TextAttributes.None),
        Bad = new Style(Color.Palette(1), Color.Default, TextAttributes.Bold),
        Code = new Style(Color.Palette(6), Color.Default, TextAttributes.None),
        Quote = new Style(Color.Default, Color.Default, TextAttributes.Italic),
        Link = new Style(Color.Palette(6), Color.Default, TextAttributes.Underline),
        Selected = new Style(Color.Default, Color.Default, TextAttributes.Reverse),
        Names = [Color.Palette(6), Color.Palette(2), Color.Palette(3), Color.Palette(5), Color.Palette(4), Color.Palette(1)],
    };

    /// <summary>The same colour for the same name, every time.</summary>
    public Style NameOf(string name)
    {
        var hash = name.Aggregate(17u, (h, c) => (h * 31) + char.ToLowerInvariant(c));
        return new Style(Names[(int)(hash % (uint)Names.Length)], Color.Default, TextAttributes.Bold);
    }

    /// <summary>A style over a chosen row.</summary>
    public Style Over(Style style) => style with
    {
        Background = Selected.Background == Color.Default ? style.Background : Selected.Background,
        Attributes = style.Attributes | Selected.Attributes,
    };

    private static Style Ink(byte r, byte g, byte b) => new(Rgb(r, g, b), Color.Default, TextAttributes.None);

    private static Color Rgb(byte r, byte g, byte b) => Color.Rgb(r, g, b);
}
