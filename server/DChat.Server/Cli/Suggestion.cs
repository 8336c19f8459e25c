namespace DChat.Server.Cli;

/// <summary>What was probably meant by an unknown name.</summary>
internal static class Suggestion
{
    /// <returns><c>; did you mean X?</c>, or where nothing is near, where to look.</returns>
    public static string For(string name, IEnumerable<string> known) =>
        Near(name, known) is { Length: > 0 } near ? near : "; `dchat-server --help` lists all settings";

    /// <returns><c>; did you mean X?</c>, or nothing where nothing is near.</returns>
    public static string Near(string name, IEnumerable<string> known)
    {
        var nearest = known.MinBy(candidate => Distance(name, candidate))!;
        return Distance(name, nearest) <= Math.Max(2, name.Length / 4) ? $"; did you mean {nearest}?" : "";
    }

    /// <summary>Levenshtein's, ignoring case.</summary>
    private static int Distance(string a, string b)
    {
        var previous = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var row = new int[b.Length + 1];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var same = char.ToUpperInvariant(a[i - 1]) == char.ToUpperInvariant(b[j - 1]) ? 0 : 1;
                row[j] = Math.Min(Math.Min(row[j - 1], previous[j]) + 1, previous[j - 1] + same);
            }

            previous = row;
        }

        return previous[^1];
    }
}
