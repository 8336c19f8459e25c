namespace DChat.Terminal.Ui;

/// <summary>Whether a text names somebody as <c>@user</c>.</summary>
internal static class Mentions
{
    public static bool Names(string body, string user)
    {
        for (var at = body.IndexOf('@'); at >= 0; at = body.IndexOf('@', at + 1))
        {
            var end = at + 1 + user.Length;
            if (end <= body.Length
                && body.AsSpan(at + 1, user.Length).Equals(user, StringComparison.OrdinalIgnoreCase)
                && (end == body.Length || !(char.IsAsciiLetterOrDigit(body[end]) || body[end] is '_' or '-')))
            {
                return true;
            }
        }

        return false;
    }
}
