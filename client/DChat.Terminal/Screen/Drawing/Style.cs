namespace DChat.Terminal.Screen;

[Flags]
internal enum TextAttributes
{
    None = 0,
    Bold = 1,
    Dim = 2,
    Italic = 4,
    Underline = 8,
    Strike = 16,
    Reverse = 32,
}

/// <summary>How text looks.</summary>
/// <param name="Link">The address behind the text (OSC 8), or none. One that is no plain address is left out when it is written.</param>
internal readonly record struct Style(Color Foreground, Color Background, TextAttributes Attributes, string? Link = null)
{
    public static Style Default => default;

    public Style WithForeground(Color color) => this with { Foreground = color };

    public Style WithBackground(Color color) => this with { Background = color };

    public Style WithLink(string? link) => this with { Link = link };

    /// <summary>With these attributes besides its own.</summary>
    public Style With(TextAttributes attributes) => this with { Attributes = Attributes | attributes };

    public Style Without(TextAttributes attributes) => this with { Attributes = Attributes & ~attributes };
}
