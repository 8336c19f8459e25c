namespace DChat.Core.Registry;

/// <summary>
/// Something that a room's host tells the members with a system message, exactly once:
/// its client id is the same for every host that ever tries.
/// </summary>
/// <param name="Index">The log entry's.</param>
/// <param name="Ordinal">Which of the entry's notices.</param>
/// <param name="Actor">Who did it; empty for the system.</param>
/// <param name="Subject">To whom; empty where nobody else is concerned.</param>
/// <param name="Text">The new topic, the name, the role, the reason; may be empty.</param>
public sealed record Notice(long Index, int Ordinal, NoticeKind Kind, string Actor, string Subject, string Text, long At)
{
    /// <summary>The system message's client id.</summary>
    public string ClientId => $"log-{Index}-{Ordinal}";
}

/// <summary>The numbers stand in snapshots.</summary>
public enum NoticeKind : byte
{
    Topic = 0,
    Name = 1,
    Join = 2,
    Leave = 3,
    Kick = 4,
    Ban = 5,
    Role = 6,
}

/// <summary>A notice in words.</summary>
public static class NoticeText
{
    public static string Of(Notice notice)
    {
        var actor = notice.Actor.Length == 0 ? "the server" : notice.Actor;
        var because = notice.Text.Length == 0 ? "" : ": " + notice.Text;
        return notice.Kind switch
        {
            NoticeKind.Topic => notice.Text.Length == 0 ? $"{actor} cleared the topic" : $"{actor} set the topic to: {notice.Text}",
            NoticeKind.Name => $"{actor} renamed the room to {notice.Text}",
            NoticeKind.Join => $"{notice.Subject} joined",
            NoticeKind.Leave => $"{notice.Subject} left",
            NoticeKind.Kick => $"{actor} removed {notice.Subject}{because}",
            NoticeKind.Ban => $"{actor} banned {notice.Subject}{because}",
            NoticeKind.Role => $"{notice.Subject} is now {notice.Text}",
            _ => throw new ArgumentOutOfRangeException(nameof(notice), notice.Kind, "unknown kind of notice"),
        };
    }
}
