namespace DChat.Terminal.Ui;

/// <summary>Where a text names somebody as <c>@user</c>: by the server's rule, so that what is marked is what the server counts.</summary>
internal static class Mentions
{
    private const int NameMin = 2;
    private const int NameMax = 32;

    public static bool Names(string body, string user)
    {
        for (var at = body.IndexOf('@'); at >= 0; at = body.IndexOf('@', at + 1))
        {
            if (body.AsSpan(at + 1, NameLength(body, at)).Equals(user, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// How long the name is that follows the <c>@</c> there; 0 where it names nobody. None begins behind a character of a
    /// name, so that an e-mail address is none; full stops at its end belong to the sentence.
    /// </summary>
    public static int NameLength(string text, int at)
    {
        if (at > 0 && IsOfName(text[at - 1]))
        {
            return 0;
        }

        var end = at + 1;
        while (end < text.Length && IsOfName(text[end]))
        {
            end++;
        }

        var length = text.AsSpan(at + 1, end - at - 1).TrimEnd('.').Length;
        return length is >= NameMin and <= NameMax ? length : 0;
    }

    private static bool IsOfName(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-';
}
