using System.Text;
using System.Text.Json;

namespace DChat.Server.EtcdMembers;

/// <summary>A line of etcd's log, as it is written into ours: what it says, and the few fields that help an operator, cut short.</summary>
/// <param name="Level">What etcd calls information is told to those who look for details: it has dozens of such lines for a start.</param>
/// <param name="Message">Without what could steer a terminal.</param>
/// <param name="Kind">The same for lines that say the same of other numbers.</param>
internal readonly record struct EtcdLogLine(LogLevel Level, string Message, string Kind)
{
    public const int LengthMax = 500;

    /// <summary>The fields that are shown. None holds what is in the log; keys and certificates' contents stay out.</summary>
    private static readonly string[] Fields = ["error", "address", "remote-addr", "remote-peer-id", "remote-peer-urls", "took", "expected-duration", "path", "ip-address"];

    /// <summary>What it warns of at every start and every reconnect, and means nothing.</summary>
    private static readonly string[] Harmless = ["simple token is not cryptographically signed", "established TCP streaming connection with remote peer", "closed TCP streaming connection with remote peer"];

    public static EtcdLogLine Parse(string line)
    {
        if (line.StartsWith('{'))
        {
            try
            {
                using var json = JsonDocument.Parse(line);
                return Of(json.RootElement);
            }
            catch (JsonException)
            {
                // Cut off, or not from etcd's logger.
            }
        }

        var text = Clean(line);
        return new EtcdLogLine(line.StartsWith("panic:", StringComparison.Ordinal) || line.StartsWith("fatal error:", StringComparison.Ordinal) ? LogLevel.Error : LogLevel.Debug, text, text);
    }

    private static EtcdLogLine Of(JsonElement root)
    {
        var said = Text(root, "msg") ?? "";
        var message = new StringBuilder(said);
        foreach (var field in Fields)
        {
            if (Text(root, field) is { Length: > 0 } value)
            {
                message.Append(message.Length > said.Length ? ", " : " (").Append(field).Append(": ").Append(value);
            }
        }

        if (message.Length > said.Length)
        {
            message.Append(')');
        }

        return new EtcdLogLine(Harmless.Contains(said) ? LogLevel.Debug : LevelOf(Text(root, "level")), Clean(message.ToString()), Clean(said));
    }

    private static LogLevel LevelOf(string? word) => word switch
    {
        "debug" => LogLevel.Trace,
        "info" => LogLevel.Debug,
        "warn" => LogLevel.Warning,
        "error" or "dpanic" or "panic" or "fatal" => LogLevel.Error,
        _ => LogLevel.Debug,
    };

    private static string? Text(JsonElement root, string name) => !root.TryGetProperty(name, out var value) ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : value.GetRawText();

    private static string Clean(string text)
    {
        var cut = text.Length > LengthMax ? text[..LengthMax] + "…" : text;
        return string.Concat(cut.Select(letter => char.IsControl(letter) || char.IsSurrogate(letter) ? '?' : letter));
    }
}
