using System.Collections;

namespace DChat.Terminal.Screen;

/// <summary>A piece of text in one style.</summary>
internal readonly record struct Span(string Text, Style Style);

/// <summary>One line of the screen: pieces of text from left to right.</summary>
internal sealed class StyledLine(IReadOnlyList<Span> spans) : IReadOnlyList<Span>
{
    public static readonly StyledLine Empty = new([]);

    public StyledLine(string text, Style style)
        : this([new Span(text, style)])
    {
    }

    public int Count => spans.Count;

    /// <summary>In columns.</summary>
    public int Width { get; } = spans.Sum(span => TextWidth.Of(span.Text));

    public Span this[int index] => spans[index];

    public IEnumerator<Span> GetEnumerator() => spans.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The text without its styles.</summary>
    public override string ToString() => string.Concat(spans.Select(span => span.Text));
}
