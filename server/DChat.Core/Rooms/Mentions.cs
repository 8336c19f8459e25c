namespace DChat.Core.Rooms;

/// <summary>Finds <c>@user</c> in a message.</summary>
public static class Mentions
{
    /// <summary>Names that one message can mention; the rest is not looked for.</summary>
    public const int Max = 50;

    /// <summary>
    /// The mentioned names, lower case, each once, in order. A mention begins where no name character stands before the <c>@</c>
    /// (so that an e-mail address is none), and loses the full stops at its end.
    /// </summary>
    public static IReadOnlyList<string> In(string body)
    {
        List<string>? found = null;
        for (var at = body.IndexOf('@'); at >= 0; at = body.IndexOf('@', at + 1))
        {
            if (at > 0 && UserName.IsNameCharacter(body[at - 1]))
            {
                continue;
            }

            var end = at + 1;
            while (end < body.Length && UserName.IsNameCharacter(body[end]))
            {
                end++;
            }

            var name = body.AsSpan(at + 1, end - at - 1).TrimEnd('.');
            if (name.Length is < UserName.MinLength or > UserName.MaxLength)
            {
                continue;
            }

            var folded = name.ToString().ToLowerInvariant();
            found ??= [];
            if (!found.Contains(folded))
            {
                found.Add(folded);
                if (found.Count == Max)
                {
                    break;
                }
            }
        }

        return found ?? (IReadOnlyList<string>)[];
    }
}
