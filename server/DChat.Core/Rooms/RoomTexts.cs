using System.Globalization;
using System.Text;

namespace DChat.Core.Rooms;

/// <summary>The rules of all texts but names: each answers null, or the refusal's code.</summary>
public static class RoomTexts
{
    /// <summary>UTF-16 code units.</summary>
    public const int DisplayNameMax = 64;

    /// <summary>Code points.</summary>
    public const int TopicMax = 500;

    /// <summary>Code points.</summary>
    public const int ReasonMax = 300;

    /// <summary>Code points.</summary>
    public const int BodyMax = 8_000;

    /// <summary>UTF-16 code units, of a room's id too.</summary>
    public const int ClientIdMax = 64;

    /// <summary>Bytes of UTF-8.</summary>
    public const int EmojiBytesMax = 32;

    /// <summary>A display name: 1 to 64 characters on one line, not blank.</summary>
    public static string? CheckDisplayName(string? name, out string trimmed)
    {
        trimmed = name?.Trim() ?? "";
        return trimmed.Length is 0 or > DisplayNameMax || !TextRules.IsLine(trimmed) || TextRules.IsBlank(trimmed) ? RefusalCodes.InvalidArgument : null;
    }

    /// <summary>A topic: up to 500 code points on one line; null and blank: none.</summary>
    public static string? CheckTopic(string? topic, out string trimmed)
    {
        trimmed = topic?.Trim() ?? "";
        return CheckLine(trimmed, TopicMax);
    }

    /// <summary>A reason: up to 300 code points on one line; null and blank: none.</summary>
    public static string? CheckReason(string? reason, out string? trimmed)
    {
        trimmed = string.IsNullOrWhiteSpace(reason) ? null : reason.Trim();
        return CheckLine(trimmed ?? "", ReasonMax);
    }

    /// <summary>A message's body: 1 to 8,000 code points, well-formed, without U+0000, not blank (unless files stand in for it).</summary>
    public static string? CheckBody(string? body, bool hasFiles = false)
    {
        if (body is null)
        {
            return hasFiles ? null : RefusalCodes.InvalidArgument;
        }

        return !TextRules.HasAtMost(body, BodyMax) ? RefusalCodes.TooLarge
            : !TextRules.IsWellFormed(body) || (!hasFiles && TextRules.IsBlank(body)) ? RefusalCodes.InvalidArgument
            : null;
    }

    /// <summary>A client id or command id: 1 to 64 characters on one line.</summary>
    public static string? CheckClientId(string? id) => CheckId(id);

    /// <summary>What may be a room's id: 1 to 64 characters on one line.</summary>
    public static string? CheckRoomId(string? id) => CheckId(id);

    /// <summary>A reaction: one grapheme of at most 32 bytes that can be seen.</summary>
    public static string? CheckEmoji(string? emoji) =>
        string.IsNullOrEmpty(emoji)
        || emoji.Length > EmojiBytesMax
        || !TextRules.IsLine(emoji)
        || TextRules.IsBlank(emoji)
        || Encoding.UTF8.GetByteCount(emoji) > EmojiBytesMax
        || StringInfo.GetNextTextElementLength(emoji) != emoji.Length
            ? RefusalCodes.InvalidArgument
            : null;

    private static string? CheckId(string? id) =>
        id is null || id.Length is 0 or > ClientIdMax || !TextRules.IsLine(id) ? RefusalCodes.InvalidArgument : null;

    private static string? CheckLine(string text, int codePoints) =>
        !TextRules.HasAtMost(text, codePoints) ? RefusalCodes.TooLarge
        : !TextRules.IsLine(text) ? RefusalCodes.InvalidArgument
        : null;
}
