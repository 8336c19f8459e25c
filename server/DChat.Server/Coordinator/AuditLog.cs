using System.Text.Encodings.Web;
using DChat.Core.Registry;

namespace DChat.Server.Coordinator;

/// <summary>
/// Each line of the audit trail in the leader's log, when it is committed: the registry keeps the newest <see cref="RegistryBounds.AuditLines"/> only, and
/// whoever moderates rooms makes lines too. A leader that dies in that moment may leave one out: the registry's trail has it.
/// </summary>
internal static partial class AuditLog
{
    public static void Write(ILogger logger, long index, RegistryEntry entry)
    {
        if (!logger.IsEnabled(LogLevel.Information))
        {
            return;
        }

        foreach (var record in entry.Records)
        {
            foreach (var line in record.Events.OfType<Audited>())
            {
                Committed(logger, index, record.Actor, line.Action, Plain(line.Room), Plain(line.Subject), Plain(line.Text));
            }
        }
    }

    /// <summary>On one line, whatever people wrote.</summary>
    private static string Plain(string text) => JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text);

    [LoggerMessage(2004, LogLevel.Information, "audit: entry {Index}, {Actor} {Action}, room \"{Room}\", subject \"{Subject}\", \"{Text}\"")]
    private static partial void Committed(ILogger logger, long index, string actor, string action, string room, string subject, string text);
}
