using System.Globalization;
using System.Text;
using DChat.Core.Messages;

namespace DChat.Storage;

/// <summary>A word, or what stood in quotes.</summary>
/// <param name="Prefix">What begins with it will do.</param>
internal readonly record struct SearchTerm(string Text, bool Prefix);

/// <summary>Cuts what people type into terms, all of which must occur. The same for every engine.</summary>
internal static class SearchTerms
{
    /// <summary>A shorter prefix would gather a large part of all words; its star is ignored.</summary>
    public const int PrefixRunesMin = 2;

    /// <summary>The first <see cref="SearchLimits.Terms"/> in which there is something that could be found.</summary>
    public static List<SearchTerm> Parse(string text)
    {
        var terms = new List<SearchTerm>();
        var at = 0;
        while (terms.Count < SearchLimits.Terms && Next(text, ref at) is { } term)
        {
            if (term.Text.EnumerateRunes().Any(IsIndexed))
            {
                terms.Add(term);
            }
        }

        return terms;
    }

    /// <summary>What words are made of: letters, numbers, private use; the rest separates.</summary>
    public static bool IsIndexed(Rune rune) => Rune.IsLetterOrDigit(rune)
        || Rune.GetUnicodeCategory(rune) is UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber or UnicodeCategory.PrivateUse;

    // A term is a run without spaces and quotes, or what stands in quotes; an open quote ends with the text.
    private static SearchTerm? Next(string text, ref int at)
    {
        while (at < text.Length && char.IsWhiteSpace(text[at]))
        {
            at++;
        }

        if (at == text.Length)
        {
            return null;
        }

        var quoted = text[at] == '"';
        var start = quoted ? ++at : at;
        while (at < text.Length && (quoted ? text[at] != '"' : text[at] != '"' && !char.IsWhiteSpace(text[at])))
        {
            at++;
        }

        var term = text[start..at];
        if (quoted && at < text.Length)
        {
            at++;
        }

        var prefix = quoted ? at < text.Length && text[at] == '*' : term.EndsWith('*');
        return new SearchTerm(term, prefix && term.EnumerateRunes().Count(IsIndexed) >= PrefixRunesMin);
    }
}
