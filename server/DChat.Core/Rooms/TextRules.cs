using System.Text;

namespace DChat.Core.Rooms;

/// <summary>What any text must be before a rule of its own looks at it.</summary>
public static class TextRules
{
    /// <summary>Whether the text is well-formed UTF-16 without U+0000.</summary>
    public static bool IsWellFormed(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\0')
            {
                return false;
            }

            if (!char.IsSurrogate(text[i]))
            {
                continue;
            }

            if (i + 1 >= text.Length || !char.IsSurrogatePair(text[i], text[i + 1]))
            {
                return false;
            }

            i++;
        }

        return true;
    }

    /// <summary>Whether the text is well-formed, on one line and without control characters.</summary>
    public static bool IsLine(string text)
    {
        foreach (var c in text)
        {
            if (char.IsControl(c) || c is '\u2028' or '\u2029')
            {
                return false;
            }
        }

        return IsWellFormed(text);
    }

    /// <summary>Whether it has at most so many code points; stops counting early.</summary>
    public static bool HasAtMost(string text, int codePoints)
    {
        if (text.Length <= codePoints)
        {
            return true;
        }

        var count = 0;
        foreach (var _ in text.EnumerateRunes())
        {
            if (++count > codePoints)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether nothing in it can be seen: white space, format characters, or nothing at all.</summary>
    public static bool IsBlank(string text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            if (!Rune.IsWhiteSpace(rune) && !Rune.IsControl(rune)
                && Rune.GetUnicodeCategory(rune) != System.Globalization.UnicodeCategory.Format)
            {
                return false;
            }
        }

        return true;
    }
}
