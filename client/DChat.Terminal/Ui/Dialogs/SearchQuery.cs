using System.Globalization;
using System.Text;
using DChat.Protocol;

namespace DChat.Terminal.Ui;

/// <summary>What is asked of the server for what is typed.</summary>
internal static class SearchQuery
{
    /// <summary>The last word is still being typed: what begins with it will do. What stands in quotes is taken as it is.</summary>
    public static string Of(string typed)
    {
        var query = typed.Trim();
        var quoted = query.Count(c => c == '"') % 2 == 1;
        return query.Length == 0 || quoted || query.Length >= ProtocolLimits.SearchQueryMax || !EndsInWord(query) ? query : query + "*";
    }

    private static bool EndsInWord(string query) => Rune.DecodeLastFromUtf16(query, out var last, out _) == System.Buffers.OperationStatus.Done
        && (Rune.IsLetterOrDigit(last) || Rune.GetUnicodeCategory(last) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark);
}
