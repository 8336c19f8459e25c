using System.Globalization;
using DChat.Protocol;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Output;

/// <summary>A message as a line for people, or several: what follows a line break is set off, so that nobody can forge a line.</summary>
internal static class MessageText
{
    private const string Continuation = "    │ ";

    public static string Format(Message message, Printer print, TimeZoneInfo zone, string? room = null, string? note = null)
    {
        var lines = SafeText.Lines(message.DeletedAt is null ? message.Body : "");
        var author = SafeText.Clean(message.Author);
        // What the server says begins like nothing that a member can write: "* alice left" is an action of alice's.
        var head = message.Kind switch
        {
            MessageKinds.System => print.Dim("-- " + lines[0]),
            MessageKinds.Action => $"* {print.Name(author)} {lines[0]}",
            _ => $"{print.Name(author)}: {lines[0]}",
        };
        if (message.DeletedAt is not null)
        {
            head = print.Dim($"{author} deleted this message");
        }

        IEnumerable<string> parts =
        [
            print.Dim(Time(message.SentAt, zone)),
            room is null ? "" : print.Bold(SafeText.Clean(room)),
            print.Dim($"#{message.Seq}"),
            note is null ? "" : print.Dim($"({note})"),
            message.ReplyTo is { } to ? print.Dim($"↩ #{to}") : "",
            head,
            message.EditedAt is not null && message.DeletedAt is null && note is null ? print.Dim("(edited)") : "",
        ];
        var rest = lines.Skip(1).Select(line => Continuation + line);
        var files = (message.Files ?? []).Select(file => Continuation + print.Dim($"{SafeText.Clean(file.Name)} ({Size(file.Size)}): dchat download {SafeText.Clean(file.Id)}"));
        var reactions = message.Reactions is { Count: > 0 } all
            ? [Continuation + string.Join("  ", all.Select(r => $"{SafeText.Clean(r.Key)} {r.Value.Count}"))]
            : Array.Empty<string>();
        return string.Join('\n', [string.Join(' ', parts.Where(p => p.Length > 0)), .. rest, .. files, .. reactions]);
    }

    public static string Time(long unixMilliseconds, TimeZoneInfo zone)
    {
        var at = Math.Clamp(unixMilliseconds, 0, DateTimeOffset.MaxValue.ToUnixTimeMilliseconds() - (long)TimeSpan.FromDays(1).TotalMilliseconds);
        return TimeZoneInfo.ConvertTime(DateTimeOffset.FromUnixTimeMilliseconds(at), zone).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
    }

    public static string Size(long bytes) => bytes switch
    {
        < 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"),
        < 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.0} KiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0 / 1024.0:0.0} MiB"),
    };
}
