using System.Globalization;
using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Server.Nodes;

namespace DChat.Server.Coordinator;

/// <summary>
/// Whether the clock of a node that sends a command is the leader's. The registry goes by the times in its commands: one from far ahead would have every
/// replica forget the sessions that ended and the outcomes that answer repeats, one from long ago would have an ended session forgotten too early.
/// </summary>
/// <remarks>At the leader's door, as the registry's rules know no clock. What a process sends to itself goes by the leader's own clock.</remarks>
internal sealed partial class CommandClocks(TimeProvider time, ILogger logger)
{
    /// <summary>So far the clocks of two nodes may be apart, and so long a command may be on its way: it is held for seconds at most.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(10);

    /// <summary>
    /// To be added where a time has to be reached by every clock: one node begins it, another ends it, and each, and the leader between them, may be
    /// wrong by <see cref="Tolerance"/>.
    /// </summary>
    public static readonly TimeSpan Slack = 4 * Tolerance;

    private readonly Repeats _repeats = new(time);

    /// <returns>A refusal, which says whose clock is off; null: it is right.</returns>
    /// <param name="sender">Who sent it to this node: a worker, or a standby that passes on what its workers sent.</param>
    public Outcome? Refuse(Command command, NodeHello sender)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        if (command.At >= now - Tolerance.TotalMilliseconds && command.At <= now + Tolerance.TotalMilliseconds)
        {
            return null;
        }

        var off = Text(command.At - (double)now);
        if (_repeats.Next(sender.Node) is > 0 and var times)
        {
            var (node, address) = (Printable.Of(sender.Node), Printable.Of(sender.Address));
            Off(logger, sender.Service == NodeServices.Standby ? $"standby at {address}, or of a worker whose commands it passes on," : $"worker {node} at {address}", off, Tolerance.TotalMinutes, times);
        }

        return Outcome.Refused(RefusalCodes.Unavailable, $"this worker's clock is {off} the leader's; an administrator has to set them right");
    }

    /// <summary>By how much a clock is off, for people.</summary>
    /// <param name="ms">More than none: it is ahead. A double, as nobody says what a node may send.</param>
    public static string Text(double ms)
    {
        var (amount, unit) = Math.Abs(ms) switch
        {
            < 120 * 60_000d => (ms / 60_000, "min"),
            < 48 * 3_600_000d => (ms / 3_600_000, "h"),
            _ => (ms / 86_400_000, "days"),
        };
        return string.Create(CultureInfo.InvariantCulture, $"{Math.Abs(amount):0.0} {unit} {(ms > 0 ? "ahead of" : "behind")}");
    }

    [LoggerMessage(2003, LogLevel.Warning, "the clock of the {Whose} is {Off} this leader's, which is more than {Minutes:0} min: {Times} commands were refused. See that both machines are set by NTP")]
    private static partial void Off(ILogger logger, string whose, string off, double minutes, int times);
}

/// <summary>This leader's clock is far from those of most coordinators.</summary>
internal sealed class LeaderClockException(string message) : Exception(message);
