using System.Text;

namespace DChat.Storage.Sqlite.Messages.Search;

/// <summary>
/// Turns what people type into an FTS5 expression that means just that. Every term is quoted, so nothing of FTS5's own
/// syntax (AND, NEAR, columns, ^, parentheses) can be said with it.
/// </summary>
internal static class SearchExpression
{
    /// <summary>The expression, or null where the text has nothing that could be found.</summary>
    public static string? Parse(string text)
    {
        var expression = new StringBuilder();
        foreach (var term in SearchTerms.Parse(text))
        {
            expression.Append(expression.Length == 0 ? "\"" : " \"").Append(Clean(term.Text)).Append('"');
            if (term.Prefix)
            {
                expression.Append(" *");
            }
        }

        return expression.Length == 0 ? null : expression.ToString();
    }

    private static string Clean(string term) => string.Create(term.Length, term, static (to, from) =>
    {
        for (var i = 0; i < from.Length; i++)
        {
            to[i] = char.IsControl(from[i]) || from[i] == '"' ? ' ' : from[i];
        }
    });
}
