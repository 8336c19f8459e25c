using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Xunit;

namespace DChat.TestKit;

/// <summary>
/// The log lines of a server under test. An error that the test did not announce fails it, and so does a line that
/// holds a token or a query string.
/// </summary>
public sealed partial class LogBook
{
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly ConcurrentBag<string> _secrets = [];
    private readonly ConcurrentBag<Regex> _expected = [];

    public IReadOnlyCollection<string> Lines => _lines;

    public void Write(string line) => _lines.Enqueue(line);

    /// <summary>No line may hold this text.</summary>
    public void Forbid(string secret) => _secrets.Add(secret);

    /// <summary>Error lines that match are what the test is about.</summary>
    public void ExpectErrors(string pattern) => _expected.Add(new Regex(pattern, RegexOptions.CultureInvariant, Eventually.DefaultLimit));

    public void AssertClean()
    {
        var lines = _lines.ToArray();
        Assert.True(lines.All(line => !Secret().IsMatch(line) && !_secrets.Any(secret => line.Contains(secret, StringComparison.Ordinal))), "a log line holds a token or a query string:\n" + string.Join('\n', lines.Where(line => Secret().IsMatch(line))));
        var errors = lines.Where(line => ErrorLine().IsMatch(line) && !_expected.Any(expected => expected.IsMatch(line))).ToArray();
        Assert.True(errors.Length == 0, "unexpected errors in the log:\n" + string.Join('\n', errors));
    }

    public override string ToString() => string.Join('\n', _lines);

    [GeneratedRegex(@"^[\dTZ:.-]+ (fail|crit): |""LogLevel"":""(Error|Critical)""|^Unhandled exception", RegexOptions.CultureInvariant)]
    private static partial Regex ErrorLine();

    /// <summary>What follows an engine's address is the operator's own flag, and names files at most.</summary>
    [GeneratedRegex(@"access_token|refreshToken|Bearer |(?<!etcd://\S*)\?[A-Za-z_]+=", RegexOptions.CultureInvariant)]
    private static partial Regex Secret();
}
