using System.Globalization;
using System.Text;

namespace DChat.Storage.Postgres.Search;

/// <summary>
/// Makes words of texts, and of words what PostgreSQL searches in: not with its own parser, which takes addresses and file names apart by
/// rules of its own and differs by the server's locale. Diacritics are taken off at the server (<c>fold</c>).
/// </summary>
internal static class SearchWords
{
    /// <summary>Longer words are cut: PostgreSQL takes 2,046 bytes, and a syllable may fold into three letters.</summary>
    private const int WordRunesMax = 128;

    /// <summary>Bits of a message's id below its window's: a window holds 4,096 messages of one room.</summary>
    public const int WindowBits = 12;

    /// <summary>A message's words with their places and its window, in the syntax of a tsvector.</summary>
    public static string Vector(long id, string body)
    {
        var vector = new StringBuilder(body.Length * 2);
        vector.Append('\'').Append(Window(id >> WindowBits)).Append('\'');
        var place = 0;
        foreach (var word in Words(body))
        {
            vector.Append(CultureInfo.InvariantCulture, $" '{word}':{++place}");
        }

        return vector.ToString();
    }

    /// <summary>What people type, in the syntax of a tsquery; null where there is nothing that could be found.</summary>
    public static string? Query(string text)
    {
        var query = new StringBuilder();
        foreach (var term in SearchTerms.Parse(text))
        {
            var words = Words(term.Text).ToList();
            if (words.Count == 0)
            {
                continue;
            }

            query.Append(query.Length == 0 ? "(" : " & (").AppendJoin(" <-> ", words.Select(word => $"'{word}'")).Append(term.Prefix ? ":*)" : ")");
        }

        return query.Length == 0 ? null : query.ToString();
    }

    /// <summary>Any of these windows, in the syntax of a tsquery.</summary>
    public static string Windows(IEnumerable<long> windows) => string.Join(" | ", windows.Select(window => $"'{Window(window)}'"));

    // No word begins so.
    private static string Window(long window) => string.Create(CultureInfo.InvariantCulture, $"#{window}");

    private static IEnumerable<string> Words(string text)
    {
        var word = new StringBuilder();
        var runes = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (SearchTerms.IsIndexed(rune) || (runes > 0 && IsMark(rune)))
            {
                if (++runes <= WordRunesMax && !IsDiacritic(rune))
                {
                    word.Append(Rune.ToLowerInvariant(rune).ToString());
                }
            }
            else if (runes > 0)
            {
                yield return word.ToString();
                word.Clear();
                runes = 0;
            }
        }

        if (runes > 0)
        {
            yield return word.ToString();
        }
    }

    // Vowel signs are parts of words in the scripts of India.
    private static bool IsMark(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark;

    private static bool IsDiacritic(Rune rune) => rune.Value is >= 0x300 and <= 0x36F;
}
