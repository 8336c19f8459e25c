using System.Globalization;
using System.Text;

namespace DChat.Terminal.Screen;

/// <summary>Text measured as a terminal shows it: by grapheme (what a reader takes for one character), in columns.</summary>
/// <remarks>A grapheme is 0, 1 or 2 columns wide. One of 0 columns has nothing to stand on and is not drawn; a tab counts, and is drawn, as one blank.</remarks>
internal static class TextWidth
{
    private const int EmojiPresentation = 0xFE0F;
    private const int ZeroWidthJoiner = 0x200D;
    private const int FirstSkinTone = 0x1F3FB;
    private const int LastSkinTone = 0x1F3FF;
    private const int FirstRegionalIndicator = 0x1F1E6;
    private const int LastRegionalIndicator = 0x1F1FF;

    /// <summary>Each ASCII character as text, so that nothing is allocated for most graphemes.</summary>
    public static readonly string[] Ascii = [.. Enumerable.Range(0, 128).Select(c => ((char)c).ToString())];

    /// <summary>In columns.</summary>
    public static int Of(string text)
    {
        if (IsAscii(text))
        {
            return text.Length;
        }

        var width = 0;
        var rest = text.AsSpan();
        while (!rest.IsEmpty)
        {
            var length = LengthAt(rest);
            width += OfGrapheme(rest[..length]);
            rest = rest[length..];
        }

        return width;
    }

    /// <summary>Each grapheme with what it is in the text; together they are the text.</summary>
    public static IEnumerable<string> Graphemes(string text)
    {
        for (var at = 0; at < text.Length;)
        {
            var length = LengthAt(text.AsSpan(at));
            yield return length == 1 && text[at] <= '~' ? Ascii[text[at]] : text.Substring(at, length);
            at += length;
        }
    }

    /// <summary>Characters of the grapheme at the beginning of a text that is not empty.</summary>
    public static int LengthAt(ReadOnlySpan<char> text) =>
        text[0] is >= ' ' and <= '~' && (text.Length == 1 || text[1] is >= ' ' and <= '~') ? 1 : StringInfo.GetNextTextElementLength(text);

    /// <summary>As much of the text as fits, with the ellipsis at its end where something is missing and the ellipsis fits.</summary>
    public static string Truncate(string text, int width, string ellipsis = "…")
    {
        if (width <= 0)
        {
            return "";
        }

        if (Of(text) <= width)
        {
            return text;
        }

        var end = Of(ellipsis) <= width ? ellipsis : "";
        return Fit(text, width - Of(end)) + end;
    }

    /// <summary>In columns.</summary>
    public static int OfGrapheme(ReadOnlySpan<char> grapheme)
    {
        if (grapheme.Length == 1)
        {
            return grapheme[0] == '\t' ? 1 : Rune.TryCreate(grapheme[0], out var only) ? RuneWidth.Of(only) : 1;
        }

        var (width, first, joined) = (0, true, false);
        foreach (var rune in grapheme.EnumerateRunes())
        {
            var value = rune.Value;
            if (first)
            {
                width = RuneWidth.Of(rune);
                joined = value is >= FirstRegionalIndicator and <= LastRegionalIndicator;
            }
            else if (joined || value is EmojiPresentation or ZeroWidthJoiner or (>= FirstSkinTone and <= LastSkinTone))
            {
                // An emoji of several parts is drawn as one, and one that is told to look like an emoji is wide.
                joined |= value == ZeroWidthJoiner;
                width = width > 0 && (value != ZeroWidthJoiner || width == 2) ? 2 : width;
            }
            else
            {
                width = Math.Min(2, width + RuneWidth.Of(rune));
            }

            first = false;
        }

        return width;
    }

    private static string Fit(string text, int width)
    {
        var fitting = new StringBuilder();
        foreach (var grapheme in Graphemes(text))
        {
            width -= OfGrapheme(grapheme);
            if (width < 0)
            {
                break;
            }

            fitting.Append(grapheme);
        }

        return fitting.ToString();
    }

    private static bool IsAscii(string text) => !text.AsSpan().ContainsAnyExceptInRange(' ', '~');
}
