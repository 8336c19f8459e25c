using System.Globalization;
using System.Text;
using DChat.Core.Messages;

namespace DChat.Storage.Sqlite.Messages.Search;

/// <summary>
/// Turns what people type into an FTS5 expression that means just that. Every term is quoted, so nothing of FTS5's own
/// syntax (AND, NEAR, columns, ^, parentheses) can be said with it.
/// </summary>
internal static class SearchExpression
{
    /// <summary>A shorter prefix would gather a large part of all words; its star is ignored.</summary>
    public const int PrefixRunesMin = 2;

    /// <summary>The expression, or null where the text has nothing that could be found.</summary>
    public static string? Parse(string text)
    {
        var expression = new StringBuilder();
        var terms = 0;
        var at = 0;
        while (terms < SearchLimits.Terms && Next(text, ref at) is { } term)
        {
            if (!term.Text.EnumerateRunes().Any(IsIndexed))
            {
                continue;
            }

            expression.Append(terms++ == 0 ? "\"" : " \"").Append(Clean(term.Text)).Append('"');
            if (term.Prefix)
            {
                expression.Append(" *");
            }
        }

        return terms == 0 ? null : expression.ToString();
    }

    // A term is a run without spaces and quotes, or what stands in quotes; an open quote ends with the text.
    private static (string Text, bool Prefix)? Next(string text, ref int at)
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
        return (term, prefix && term.EnumerateRunes().Count(IsIndexed) >= PrefixRunesMin);
    }

    // What the tokenizer makes words of: letters, numbers, private use; the rest separates.
    private static bool IsIndexed(Rune rune) => Rune.IsLetterOrDigit(rune)
        || Rune.GetUnicodeCategory(rune) is UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber or UnicodeCategory.PrivateUse;

    private static string Clean(string term) => string.Create(term.Length, term, static (to, from) =>
    {
        for (var i = 0; i < from.Length; i++)
        {
            to[i] = char.IsControl(from[i]) || from[i] == '"' ? ' ' : from[i];
        }
    });
}
