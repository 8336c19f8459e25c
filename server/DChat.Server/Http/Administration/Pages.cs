using System.Globalization;
using DChat.Protocol;

namespace DChat.Server.Http.Administration;

/// <summary>How long lists are asked for page by page: <c>?after=…&amp;limit=…</c>.</summary>
internal static class Pages
{
    public const int LimitDefault = 100;
    public const int LimitMax = 1_000;

    /// <param name="name">Of the parameter that says where the page before ended.</param>
    /// <returns>Where the page before ended, or null; and how many are asked for.</returns>
    /// <exception cref="ApiException">One of them is no number in its range.</exception>
    public static (long? From, int Limit) Read(ApiCall call, string name)
    {
        var query = call.Context.Request.Query;
        return (Number(query[name], name, long.MaxValue), (int)(Number(query["limit"], "limit", LimitMax) ?? LimitDefault));
    }

    public static string? Next(bool more, long at) => more ? at.ToString(CultureInfo.InvariantCulture) : null;

    private static long? Number(string? text, string name, long max)
    {
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= max && (number > 0 || name != "limit")
            ? number
            : throw new ApiException(ErrorCodes.InvalidArgument, name == "limit" ? $"limit is 1 to {LimitMax}." : $"{name} is the next of the page before.");
    }
}
