using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>
/// The little markdown that people type in chats: <c>**bold**</c>, <c>*italic*</c>, <c>~~struck~~</c>, <c>`code`</c>,
/// fences, quotes, links and mentions. What does not close stays as it was typed, and nothing ever spans lines but a fence.
/// </summary>
internal sealed class Markdown(Theme theme, string me)
{
    private const int DepthMax = 4;
    private const string Fence = "```";

    /// <summary>One line of a message, before it is wrapped.</summary>
    /// <param name="IsCode">Drawn on a ground of its own as wide as the pane.</param>
    /// <param name="IsQuote">Set off by a bar.</param>
    internal sealed record Line(IReadOnlyList<Span> Spans, bool IsCode = false, bool IsQuote = false);

    /// <param name="lines">Safe text, each line by itself.</param>
    public IReadOnlyList<Line> Parse(IReadOnlyList<string> lines, Style style)
    {
        List<Line> parsed = [];
        var fenced = false;
        for (var i = 0; i < lines.Count; i++)
        {
            var line = lines[i];
            var isFence = line.TrimStart().StartsWith(Fence, StringComparison.Ordinal);
            if (isFence && (fenced || lines.Skip(i + 1).Any(l => l.TrimStart().StartsWith(Fence, StringComparison.Ordinal))))
            {
                fenced = !fenced;
            }
            else if (fenced)
            {
                parsed.Add(new Line([new Span(line, theme.Code)], IsCode: true));
            }
            else if (line.StartsWith('>'))
            {
                parsed.Add(new Line(Inline(line.TrimStart('>', ' '), theme.Quote), IsQuote: true));
            }
            else
            {
                parsed.Add(new Line(Inline(line, style)));
            }
        }

        return parsed;
    }

    public IReadOnlyList<Span> Inline(string text, Style style)
    {
        List<Span> spans = [];
        Inline(text, style, spans, depth: 0);
        return spans;
    }

    private void Inline(string text, Style style, List<Span> spans, int depth)
    {
        var plainFrom = 0;
        var at = 0;
        while (at < text.Length)
        {
            var length = depth < DepthMax ? Token(text, at, style, spans, plainFrom, depth) : 0;
            if (length > 0)
            {
                at += length;
                plainFrom = at;
            }
            else
            {
                at++;
            }
        }

        Plain(text, plainFrom, text.Length, style, spans);
    }

    /// <summary>What begins here, and how long it is; 0 for plain text. Adds the plain text before it first.</summary>
    private int Token(string text, int at, Style style, List<Span> spans, int plainFrom, int depth)
    {
        switch (text[at])
        {
            case '`' when Closing(text, "`", at + 1) is var end and > 0:
                Plain(text, plainFrom, at, style, spans);
                spans.Add(new Span(text[(at + 1)..end], theme.Code));
                return end + 1 - at;
            case '*' when Marked(text, at, "**", TextAttributes.Bold, style, spans, plainFrom, depth) is var length and > 0:
                return length;
            case '*' when Marked(text, at, "*", TextAttributes.Italic, style, spans, plainFrom, depth) is var length and > 0:
                return length;
            case '_' when !IsNamePart(text, at - 1) && Marked(text, at, "_", TextAttributes.Italic, style, spans, plainFrom, depth) is var length and > 0:
                return length;
            case '~' when Marked(text, at, "~~", TextAttributes.Strike, style, spans, plainFrom, depth) is var length and > 0:
                return length;
            case 'h' when !IsNamePart(text, at - 1) && AddressLength(text, at) is var length and > 0:
                Plain(text, plainFrom, at, style, spans);
                var address = text.Substring(at, length);
                spans.Add(new Span(address, theme.Link with { Link = Target(address) }));
                return length;
            case '[':
                return NamedLink(text, at, style, spans, plainFrom);
            case '@' when Mentions.NameLength(text, at) is var length and > 0:
                Plain(text, plainFrom, at, style, spans);
                var name = text.Substring(at + 1, length);
                spans.Add(new Span("@" + name, IsMe(name) ? theme.Mention : theme.NameOf(name)));
                return length + 1;
            default:
                return 0;
        }
    }

    private int Marked(string text, int at, string mark, TextAttributes attribute, Style style, List<Span> spans, int plainFrom, int depth)
    {
        if (!text.AsSpan(at).StartsWith(mark))
        {
            return 0;
        }

        var inner = at + mark.Length;
        var end = Closing(text, mark, inner);
        // A lone star or underscore between spaces is a star, not the beginning of something.
        if (end <= inner || char.IsWhiteSpace(text[inner]) || char.IsWhiteSpace(text[end - 1]) || (mark == "_" && IsNamePart(text, end + 1)))
        {
            return 0;
        }

        Plain(text, plainFrom, at, style, spans);
        Inline(text[inner..end], style with { Attributes = style.Attributes | attribute }, spans, depth + 1);
        return end + mark.Length - at;
    }

    /// <summary><c>[text](address)</c>: shown with the address's host, so that the text cannot lie about where it leads.</summary>
    private int NamedLink(string text, int at, Style style, List<Span> spans, int plainFrom)
    {
        var close = text.IndexOf("](", at, StringComparison.Ordinal);
        var end = close > at + 1 ? text.IndexOf(')', close) : -1;
        if (end < 0 || Target(text[(close + 2)..end]) is not { } target)
        {
            return 0;
        }

        Plain(text, plainFrom, at, style, spans);
        spans.Add(new Span(text[(at + 1)..close], theme.Link with { Link = target }));
        spans.Add(new Span($" ({new Uri(target).Host})", theme.Dim));
        return end + 1 - at;
    }

    private static void Plain(string text, int from, int to, Style style, List<Span> spans)
    {
        if (to > from)
        {
            spans.Add(new Span(text[from..to], style));
        }
    }

    private static int Closing(string text, string mark, int from) =>
        from < text.Length ? text.IndexOf(mark, from, StringComparison.Ordinal) is var end && end > from ? end : -1 : -1;

    private static int AddressLength(string text, int at)
    {
        var rest = text.AsSpan(at);
        if (!rest.StartsWith("http://") && !rest.StartsWith("https://"))
        {
            return 0;
        }

        var length = rest.IndexOfAny(" <>\"`") is >= 0 and var end ? end : rest.Length;
        while (length > 0 && rest[length - 1] is '.' or ',' or ';' or ':' or '!' or '?' or '\'' or ')' or ']' or '*' or '_')
        {
            length--;
        }

        return Target(rest[..length].ToString()) is null ? 0 : length;
    }

    /// <summary>The address as a link may carry it: only of the web, in ASCII.</summary>
    private static string? Target(string address) =>
        Uri.TryCreate(address, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps) && uri.Host.Length > 0
            ? uri.AbsoluteUri
            : null;

    private static bool IsNamePart(string text, int at) => at >= 0 && at < text.Length && char.IsLetterOrDigit(text[at]);

    private bool IsMe(string name) => string.Equals(name, me, StringComparison.OrdinalIgnoreCase);
}
