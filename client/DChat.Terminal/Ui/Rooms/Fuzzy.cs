namespace DChat.Terminal.Ui;

/// <summary>How well a short pattern fits a name: its letters in order, better where they stand together or begin a word.</summary>
internal static class Fuzzy
{
    private const int Letter = 1;
    private const int Together = 4;
    private const int WordStart = 6;
    private const int NameStart = 8;

    /// <summary>Higher is better; null where it does not fit. An empty pattern fits everything equally.</summary>
    public static int? Score(string pattern, string name)
    {
        var score = 0;
        var at = 0;
        var before = -2;
        foreach (var wanted in pattern)
        {
            if (char.IsWhiteSpace(wanted))
            {
                continue;
            }

            var found = IndexOf(name, wanted, at);
            if (found < 0)
            {
                return null;
            }

            score += Letter
                + (found == before + 1 ? Together : 0)
                + (found == 0 ? NameStart : !char.IsLetterOrDigit(name[found - 1]) ? WordStart : 0);
            (before, at) = (found, found + 1);
        }

        // Of two that fit alike the shorter one is meant.
        return (score * 64) - Math.Min(63, name.Length);
    }

    private static int IndexOf(string name, char wanted, int from)
    {
        for (var i = from; i < name.Length; i++)
        {
            if (char.ToLowerInvariant(name[i]) == char.ToLowerInvariant(wanted))
            {
                return i;
            }
        }

        return -1;
    }
}
