using System.Globalization;
using DChat.TestKit;

namespace DChat.Cluster.Tests;

/// <summary>What the server counts, as its operator sees it.</summary>
internal static class Metrics
{
    private static readonly HttpClient Http = new();

    /// <returns>The value of a series without labels; 0 while there is none.</returns>
    public static async Task<double> ReadAsync(ServerProcess server, string series)
    {
        var text = await Http.GetStringAsync(new Uri(server.Node, "/metrics"));
        var line = text.Split('\n').FirstOrDefault(line => line.StartsWith(series + " ", StringComparison.Ordinal));
        return line is null ? 0 : double.Parse(line.AsSpan(series.Length + 1), CultureInfo.InvariantCulture);
    }

    /// <summary>What the server's clock says, to the second.</summary>
    public static async Task<DateTimeOffset> ReadTimeAsync(ServerProcess server)
    {
        using var answer = await Http.GetAsync(new Uri(server.Node, "/metrics"));
        return answer.Headers.Date!.Value;
    }
}
