using System.Globalization;
using System.Text;

namespace DChat.Terminal.Screen;

/// <summary>
/// Text from others, made harmless for a terminal. What could move the cursor, change colours or titles, answer to the
/// shell, or turn the reading direction is taken out; everything that people write with stays, emoji included.
/// </summary>
/// <remarks>
/// Taken out: C0 and C1 control characters and DEL (so no ESC, and no sequence of any kind: CSI, OSC, DCS, …),
/// format characters (the bidi controls among them), and lone surrogates. A sequence loses what makes it one; its
/// printable rest stays to be seen, so that nothing can be hidden in it.
/// </remarks>
internal static class SafeText
{
    private const int ZeroWidthNonJoiner = 0x200C;
    private const int ZeroWidthJoiner = 0x200D;

    /// <summary>One line: line breaks and tabs become spaces.</summary>
    public static string Clean(string? text)
    {
        if (text is null || IsPlain(text))
        {
            return text ?? "";
        }

        var safe = new StringBuilder(text.Length);
        foreach (var rune in Runes(text))
        {
            if (IsBreak(rune) || rune.Value == '\t')
            {
                safe.Append(' ');
            }
            else if (IsSafe(rune))
            {
                safe.Append(rune);
            }
        }

        return safe.ToString();
    }

    /// <summary>Each line by itself; at least one.</summary>
    public static IReadOnlyList<string> Lines(string? text)
    {
        List<string> lines = [];
        var line = new StringBuilder();
        var afterReturn = false;
        foreach (var rune in Runes(text ?? ""))
        {
            if (rune.Value == '\n' && afterReturn)
            {
                afterReturn = false;
            }
            else if (IsBreak(rune))
            {
                lines.Add(line.ToString());
                line.Clear();
                afterReturn = rune.Value == '\r';
            }
            else
            {
                afterReturn = false;
                if (rune.Value == '\t')
                {
                    line.Append("    ");
                }
                else if (IsSafe(rune))
                {
                    line.Append(rune);
                }
            }
        }

        lines.Add(line.ToString());
        return lines;
    }

    /// <summary>Whether a terminal may be shown this character as it is.</summary>
    public static bool IsSafe(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => false,

        // Emoji and several scripts are written with joiners, some flags with tags.
        UnicodeCategory.Format => rune.Value is ZeroWidthJoiner or ZeroWidthNonJoiner or (>= 0xE0020 and <= 0xE007F),
        _ => true,
    };

    private static bool IsPlain(string text) => !text.AsSpan().ContainsAnyExceptInRange(' ', '~');

    private static bool IsBreak(Rune rune) => rune.Value is '\n' or '\r' or '\v' or '\f' or 0x85 or 0x2028 or 0x2029;

    /// <summary>Lone surrogates come out as U+FFFD.</summary>
    private static IEnumerable<Rune> Runes(string text)
    {
        var rest = text.AsMemory();
        while (!rest.IsEmpty)
        {
            Rune.DecodeFromUtf16(rest.Span, out var rune, out var length);
            yield return rune;
            rest = rest[length..];
        }
    }
}
