using System.Runtime.CompilerServices;
using DChat.Protocol;
using DChat.Terminal.Output;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>
/// A message's text as lines of a width. Laid out once for each message, width and theme: messages are immutable, and
/// what was laid out goes with the message that it belongs to.
/// </summary>
internal static class MessageBody
{
    /// <summary>UTF-16 units of a body that are drawn; more than the contract allows only comes from a server that does not keep it.</summary>
    private const int LengthMax = 20_000;

    private const int FilesMax = 10;
    private const string ReplyMark = "╭ ";
    private const string QuoteMark = "▎ ";
    private const string FileMark = "↧ ";

    private static readonly ConditionalWeakTable<Message, Laid> Cache = [];

    private sealed record Key(int Width, Theme Theme, string Me, string? Reply, string? Note);

    private sealed record Laid(Key Key, IReadOnlyList<StyledLine> Lines);

    /// <param name="reply">The text that it answers, short; null where it answers none.</param>
    /// <param name="note">What follows the text: that it is being sent, or why it was not.</param>
    public static IReadOnlyList<StyledLine> Of(Message message, int width, Theme theme, string me, string? reply, string? note = null, bool bad = false)
    {
        var key = new Key(width, theme, me, reply, note);
        if (Cache.TryGetValue(message, out var laid) && laid.Key == key)
        {
            return laid.Lines;
        }

        var lines = Lay(message, width, theme, me, reply, note is null ? null : new Span(note, bad ? theme.Bad : theme.Dim));
        Cache.AddOrUpdate(message, new Laid(key, lines));
        return lines;
    }

    /// <summary>The first words of a message, for where it is answered or found.</summary>
    public static string Preview(Message message, int width)
    {
        var first = message.DeletedAt is not null ? "deleted message"
            : message.Body.Length == 0 && message.Files is [var file, ..] ? file.Name
            : message.Body.Length > 400 ? message.Body[..400] : message.Body;
        var words = new Markdown(Theme.Dark, "").Inline(SafeText.Clean(first).Trim(), default);
        return TextWidth.Truncate(string.Concat(words.Select(word => word.Text)), width);
    }

    private static List<StyledLine> Lay(Message message, int width, Theme theme, string me, string? reply, Span? note)
    {
        List<StyledLine> lines = [];
        if (reply is not null)
        {
            lines.Add(new StyledLine([new Span(ReplyMark, theme.Rule), new Span(TextWidth.Truncate(reply, width - 2), theme.Dim)]));
        }

        if (message.DeletedAt is not null)
        {
            lines.Add(new StyledLine("message deleted", theme.Dim with { Attributes = theme.Dim.Attributes | TextAttributes.Italic }));
            return lines;
        }

        AddText(lines, message, width, theme, me, note);
        foreach (var file in (message.Files ?? []).Take(FilesMax))
        {
            lines.Add(new StyledLine([
                new Span(FileMark, theme.Accent),
                new Span(TextWidth.Truncate(SafeText.Clean(file.Name), Math.Max(8, width - 14)), theme.Link),
                new Span($"  {MessageText.Size(file.Size)}", theme.Dim),
            ]));
        }

        if (message.Reactions is { Count: > 0 } reactions)
        {
            lines.AddRange(TextLayout.Wrap(ReactionSpans(reactions, message.Mine, theme), width));
        }

        return lines;
    }

    private static void AddText(List<StyledLine> lines, Message message, int width, Theme theme, string me, Span? note)
    {
        var body = message.Body.Length > LengthMax ? message.Body[..LengthMax] + " …" : message.Body;
        if (body.Length == 0 && message.Files is { Count: > 0 })
        {
            return;
        }

        var style = message.Kind switch
        {
            MessageKinds.System => theme.Dim,
            MessageKinds.Action => theme.Text with { Attributes = TextAttributes.Italic },
            _ => theme.Text,
        };
        var parsed = new Markdown(theme, me).Parse(SafeText.Lines(body.TrimEnd('\n', '\r')), style);
        for (var i = 0; i < parsed.Count; i++)
        {
            var line = parsed[i];
            var spans = line.Spans;
            if (i == 0 && message.Kind == MessageKinds.Action)
            {
                var author = SafeText.Clean(message.Author);
                spans = [new Span(author + " ", theme.NameOf(author)), .. spans];
            }

            if (i == parsed.Count - 1)
            {
                spans = [.. spans, .. Tail(message, theme, note)];
            }

            var mark = line.IsQuote ? new Span(QuoteMark, theme.Accent) : line.IsCode ? new Span(" ", theme.Code) : (Span?)null;
            foreach (var row in TextLayout.Wrap(spans, width - (mark is null ? 0 : 2)))
            {
                lines.Add(mark is { } set ? new StyledLine([set, .. row]) : row);
            }
        }
    }

    private static IEnumerable<Span> Tail(Message message, Theme theme, Span? note)
    {
        if (message.EditedAt is not null)
        {
            yield return new Span(" (edited)", theme.Dim);
        }

        if (note is { } said)
        {
            yield return said with { Text = "  " + said.Text };
        }
    }

    private static List<Span> ReactionSpans(IReadOnlyDictionary<string, ReactionSummary> reactions, IReadOnlyList<string>? mine, Theme theme)
    {
        List<Span> spans = [];
        foreach (var (emoji, summary) in reactions.Take(ProtocolLimits.EmojiPerMessageMax))
        {
            var own = mine?.Contains(emoji) == true;
            spans.Add(new Span($"{TextWidth.Truncate(SafeText.Clean(emoji), 4, "")} {summary.Count}", own ? theme.Accent with { Attributes = TextAttributes.Bold | TextAttributes.Underline } : theme.Dim));
            spans.Add(new Span("  ", theme.Text));
        }

        return spans;
    }
}
