using System.Globalization;

namespace DChat.Server.Coordinator.Snapshots;

/// <summary>A snapshot in the blob store: <c>snapshots/INDEX-TERM-HASH.snap</c>, so that a listing says all that is needed to choose one.</summary>
/// <param name="Index">The last log entry in it.</param>
/// <param name="Term">Of the leader that wrote it; <see cref="RestoredTerm"/>: a restore did.</param>
/// <param name="Hash">The first half of the SHA-256 of the stored bytes, in lower-case hexadecimal.</param>
public sealed record SnapshotName(long Index, long Term, string Hash)
{
    public const string Folder = "snapshots/";

    private const string Extension = ".snap";
    private const int HashDigits = 32;

    /// <summary>The term of a snapshot that a restore made: no leader has it.</summary>
    public const long RestoredTerm = 0;

    /// <summary>Whether a restore made it, and no leader.</summary>
    public bool IsRestored => Term == RestoredTerm;

    /// <summary>Padded, so that the order of names is the order of indexes.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Folder}{Index:D19}-{Term:D19}-{Hash}{Extension}");

    public static string HashOf(ReadOnlySpan<byte> sha256) => Convert.ToHexStringLower(sha256[..(HashDigits / 2)]);

    /// <summary>Null for what is no snapshot's name.</summary>
    public static SnapshotName? TryParse(string blob)
    {
        if (!blob.StartsWith(Folder, StringComparison.Ordinal) || !blob.EndsWith(Extension, StringComparison.Ordinal))
        {
            return null;
        }

        var parts = blob[Folder.Length..^Extension.Length].Split('-');
        return parts.Length == 3
            && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var term)
            && parts[2].Length == HashDigits
            && parts[2].All(char.IsAsciiHexDigitLower)
            ? new SnapshotName(index, term, parts[2])
            : null;
    }
}
