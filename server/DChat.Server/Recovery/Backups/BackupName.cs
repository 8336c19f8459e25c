using System.Globalization;

namespace DChat.Server.Recovery.Backups;

/// <summary>A backup in the place of backups: <c>backups/2026-05-01T13-45-00Z-RANDOM.backup</c>, so that a listing is in order of time.</summary>
/// <param name="StartedAt">To the second.</param>
internal sealed record BackupName(DateTimeOffset StartedAt, string Random)
{
    public const string Folder = "backups/";

    private const string Extension = ".backup";
    private const string TimeFormat = "yyyy-MM-dd'T'HH-mm-ss'Z'";
    private const int TimeLength = 20;
    private const int RandomBytes = 4;

    public static BackupName New(DateTimeOffset startedAt) => new(DateTimeOffset.FromUnixTimeSeconds(startedAt.ToUnixTimeSeconds()), Security.RandomText.Hex(RandomBytes));

    public override string ToString() => $"{Folder}{StartedAt.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture)}-{Random}{Extension}";

    /// <summary>Null for what is no backup's name.</summary>
    public static BackupName? TryParse(string blob)
    {
        if (!blob.StartsWith(Folder, StringComparison.Ordinal) || !blob.EndsWith(Extension, StringComparison.Ordinal))
        {
            return null;
        }

        var name = blob[Folder.Length..^Extension.Length];
        return name.Length == TimeLength + 1 + RandomBytes * 2
            && name[TimeLength] == '-'
            && DateTimeOffset.TryParseExact(name[..TimeLength], TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            && name[(TimeLength + 1)..].All(char.IsAsciiHexDigitLower)
            ? new BackupName(time, name[(TimeLength + 1)..])
            : null;
    }
}
