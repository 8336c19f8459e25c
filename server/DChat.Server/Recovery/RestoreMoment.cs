using System.Globalization;

namespace DChat.Server.Recovery;

/// <summary>To which moment a restore goes back: an index of the log, or a time.</summary>
internal sealed record RestoreMoment(long? Index, DateTimeOffset? Time)
{
    public const string Expected = "an index of the log, or a time such as 2026-05-01T13:45Z (UTC unless it says otherwise)";

    public static readonly RestoreMoment Newest = new(null, null);

    /// <exception cref="FormatException">It is neither.</exception>
    public static RestoreMoment Parse(string text)
    {
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var index))
        {
            return new RestoreMoment(index, null);
        }

        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? new RestoreMoment(null, time)
            : throw new FormatException();
    }

    /// <summary>Whether what was written then, at that index, is not after the moment.</summary>
    public bool Reaches(long index, DateTimeOffset writtenAt) => index <= (Index ?? long.MaxValue) && writtenAt <= (Time ?? DateTimeOffset.MaxValue);
}
