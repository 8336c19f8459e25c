namespace DChat.Terminal.Screen;

/// <summary>Breaks text into the lines of a column.</summary>
internal static class TextLayout
{
    /// <summary>
    /// Breaks between words, or inside of one that is longer than a line; a line break in the text begins a new line. No line is
    /// wider than the width (a single wide character in a width of 1 is left out), and at least one line comes out. Blanks at which a line breaks are left out.
    /// </summary>
    public static IReadOnlyList<StyledLine> Wrap(IReadOnlyList<Span> spans, int width) => new LineWrapper(Math.Max(1, width)).Wrap(spans);
}
