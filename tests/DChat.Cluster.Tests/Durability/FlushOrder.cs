using System.Globalization;
using System.Text.RegularExpressions;

namespace DChat.Cluster.Tests.Durability;

/// <summary>
/// Reads a trace of messages that were sent one after the other, each after all had seen the one before, and finds those that
/// somebody was told of before the write-ahead log was on the disk.
/// </summary>
internal static partial class FlushOrder
{
    /// <param name="trace">What <see cref="Strace"/> wrote of pwrite64, fdatasync, fsync and the calls that write to sockets.</param>
    /// <returns>The seqs told of in order, each with whether it had been flushed.</returns>
    public static IReadOnlyList<(long Seq, bool Flushed)> Read(IEnumerable<string> trace, string walName)
    {
        var told = new List<(long, bool)>();
        var flushing = new HashSet<string>(StringComparer.Ordinal);
        var (written, flushed, last) = (false, false, 0L);
        foreach (var line in trace)
        {
            var thread = line[..line.IndexOf(' ', StringComparison.Ordinal)];
            if (IsCall(line, "pwrite64") && line.Contains(walName, StringComparison.Ordinal))
            {
                (written, flushed) = (true, false);
            }
            else if ((IsCall(line, "fdatasync") || IsCall(line, "fsync")) && line.Contains(walName, StringComparison.Ordinal))
            {
                if (line.EndsWith("<unfinished ...>", StringComparison.Ordinal))
                {
                    flushing.Add(thread);
                }
                else
                {
                    flushed |= written && IsDone(line);
                }
            }
            else if (Resumed().IsMatch(line) && flushing.Remove(thread))
            {
                flushed |= written && IsDone(line);
            }
            else if (Told().Match(line) is { Success: true } match && long.Parse(match.Groups["seq"].Value, CultureInfo.InvariantCulture) is var seq && seq > last)
            {
                told.Add((seq, flushed));
                (written, flushed, last) = (false, false, seq);
            }
        }

        return told;
    }

    private static bool IsCall(string line, string name) => line.Contains(' ' + name + '(', StringComparison.Ordinal);

    private static bool IsDone(string line) => line.EndsWith("= 0", StringComparison.Ordinal);

    [GeneratedRegex(@"<\.\.\. (fdatasync|fsync) resumed>", RegexOptions.CultureInvariant)]
    private static partial Regex Resumed();

    /// <summary>An answer to <c>send</c> or a live event on its way into a socket.</summary>
    [GeneratedRegex("""(sendmsg|sendto|write|writev)\(.*socket:.*\\"seq\\":(?<seq>\d+)""", RegexOptions.CultureInvariant)]
    private static partial Regex Told();
}
