namespace DChat.Core.Rooms;

/// <summary>Names of rooms: 1 to 64 characters, trimmed, on one line; unique among public rooms without case.</summary>
public static class RoomName
{
    /// <summary>UTF-16 code units.</summary>
    public const int MaxLength = 64;

    /// <summary>The form in which names are compared.</summary>
    public static string Fold(string name) => name.Trim().ToLowerInvariant();

    /// <summary>Null, or the refusal's code.</summary>
    /// <param name="trimmed">The name to be kept, where it is valid.</param>
    public static string? Check(string? name, out string trimmed)
    {
        trimmed = name?.Trim() ?? "";
        return trimmed.Length is 0 or > MaxLength || !TextRules.IsLine(trimmed) || TextRules.IsBlank(trimmed) ? RefusalCodes.InvalidArgument : null;
    }
}
