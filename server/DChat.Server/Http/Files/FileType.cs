using Microsoft.Net.Http.Headers;

namespace DChat.Server.Http.Files;

/// <summary>The media type of an upload: pictures are recognized by their first bytes, everything else is what the sender says.</summary>
internal static class FileType
{
    public const string Unknown = "application/octet-stream";

    /// <summary>How many of the first bytes <see cref="Of"/> wants to see.</summary>
    public const int HeadLength = 12;

    private const int LengthMax = 100;
    private const string Png = "image/png";
    private const string Jpeg = "image/jpeg";
    private const string Gif = "image/gif";
    private const string Webp = "image/webp";

    /// <summary>A browser may show it in place: pictures that can hold no script, as their bytes say.</summary>
    public static bool IsShown(string type) => type is Png or Jpeg or Gif or Webp;

    public static string Of(ReadOnlySpan<byte> head, string? claimed)
    {
        if (Recognize(head) is { } recognized)
        {
            return recognized;
        }

        var type = MediaTypeHeaderValue.TryParse(claimed, out var parsed) ? parsed.MediaType.ToString().ToLowerInvariant() : Unknown;
        return type.Length <= LengthMax && !type.Contains('*') && !IsShown(type) ? type : Unknown;
    }

    /// <param name="allowed"><c>*</c>, or types such as <c>image/*,text/plain</c>.</param>
    public static bool IsAllowed(string type, string allowed) => allowed.Split(',').Any(pattern =>
        pattern == "*"
        || string.Equals(pattern, type, StringComparison.OrdinalIgnoreCase)
        || (pattern.EndsWith("/*", StringComparison.Ordinal) && type.StartsWith(pattern[..^1], StringComparison.OrdinalIgnoreCase)));

    private static string? Recognize(ReadOnlySpan<byte> head) =>
        head.StartsWith(PngHead) ? Png
        : head.StartsWith(JpegHead) ? Jpeg
        : head.StartsWith("GIF87a"u8) || head.StartsWith("GIF89a"u8) ? Gif
        : head.Length >= HeadLength && head.StartsWith("RIFF"u8) && head[8..12].SequenceEqual("WEBP"u8) ? Webp
        : null;

    private static ReadOnlySpan<byte> PngHead => [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A];

    private static ReadOnlySpan<byte> JpegHead => [0xFF, 0xD8, 0xFF];
}
