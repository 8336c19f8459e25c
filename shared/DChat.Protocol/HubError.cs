using System.Globalization;
using System.Text.RegularExpressions;

namespace DChat.Protocol;

/// <summary>An expected failure of a hub call, as it stands in the text of a <c>HubException</c>.</summary>
/// <param name="Code">One of <see cref="ErrorCodes"/>.</param>
/// <param name="Message">A text for people, in English.</param>
/// <param name="RetryAfterMs">When a repeat may succeed, in milliseconds; only with <c>rate_limited</c> and <c>slow_mode</c>.</param>
public sealed partial record HubError(string Code, string Message, long? RetryAfterMs = null)
{
    /// <summary>The text of the <c>HubException</c>: <c>code[ retryAfterMs=N]: text</c>.</summary>
    public string Format() => RetryAfterMs is { } wait
        ? string.Create(CultureInfo.InvariantCulture, $"{Code} retryAfterMs={wait}: {Message}")
        : $"{Code}: {Message}";

    /// <summary>Reads the error out of what a SignalR client reports, or null where it carries no code (then a repeat is useless).</summary>
    public static HubError? TryParse(string? exceptionMessage)
    {
        if (exceptionMessage is null)
        {
            return null;
        }

        var match = Pattern().Match(exceptionMessage);
        if (!match.Success)
        {
            return null;
        }

        long? retryAfterMs = match.Groups["ms"].Success
            ? long.Parse(match.Groups["ms"].ValueSpan, CultureInfo.InvariantCulture)
            : null;
        return new HubError(match.Groups["code"].Value, exceptionMessage[(match.Index + match.Length)..], retryAfterMs);
    }

    [GeneratedRegex(@"HubException: (?<code>[a-z_]+)( retryAfterMs=(?<ms>\d{1,15}))?: ", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
