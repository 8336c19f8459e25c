namespace DChat.Core.Blobs;

/// <summary>Which names a blob may have; every engine checks before it does anything.</summary>
public static class BlobName
{
    public const int LengthMax = 512;

    /// <summary>File systems allow 255 bytes.</summary>
    public const int SegmentLengthMax = 200;

    public static bool IsName(string text) => text.Length is > 0 and <= LengthMax && text.Split('/').All(IsSegment);

    /// <exception cref="ArgumentException">The name is not allowed.</exception>
    public static void Check(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!IsName(name))
        {
            throw new ArgumentException($"'{name}' is no name of a blob", nameof(name));
        }
    }

    /// <summary>A prefix is empty or the beginning of a name.</summary>
    /// <exception cref="ArgumentException">No name can begin so.</exception>
    public static void CheckPrefix(string prefix)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        if (prefix.Length > 0)
        {
            // A trailing separator or dot is a prefix of longer names.
            Check(prefix + "x");
        }
    }

    private static bool IsSegment(string segment) =>
        segment.Length is > 0 and <= SegmentLengthMax
        && segment is not ("." or "..")
        && segment.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
}
