using System.Globalization;

namespace DChat.Terminal.Ui;

/// <summary>Times as people say them. Takes whatever number a server sends.</summary>
internal static class TimeText
{
    private static readonly long Latest = new DateTimeOffset(9990, 1, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();

    public static DateTimeOffset At(long unixMilliseconds, TimeZoneInfo zone) =>
        TimeZoneInfo.ConvertTime(DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(unixMilliseconds, 0, Latest)), zone);

    /// <summary><c>09:12</c>.</summary>
    public static string Clock(long at, TimeZoneInfo zone) => At(at, zone).ToString("HH:mm", CultureInfo.InvariantCulture);

    /// <summary><c>now</c>, <c>5m</c>, <c>3h</c>, <c>2d</c>, <c>7w</c>.</summary>
    public static string Age(long at, DateTimeOffset now)
    {
        var age = now - At(at, TimeZoneInfo.Utc);
        return age.TotalMinutes < 1 ? "now"
            : age.TotalHours < 1 ? $"{(int)age.TotalMinutes}m"
            : age.TotalDays < 1 ? $"{(int)age.TotalHours}h"
            : age.TotalDays < 14 ? $"{(int)age.TotalDays}d"
            : $"{Math.Min(9999, (int)(age.TotalDays / 7))}w";
    }

    /// <summary><c>5 minutes ago</c>.</summary>
    public static string Ago(long at, DateTimeOffset now)
    {
        var age = now - At(at, TimeZoneInfo.Utc);
        return age.TotalMinutes < 1 ? "just now"
            : age.TotalHours < 1 ? Count((int)age.TotalMinutes, "minute")
            : age.TotalDays < 1 ? Count((int)age.TotalHours, "hour")
            : Count((int)age.TotalDays, "day");
    }

    /// <summary><c>Saturday, 21 November 2026, 09:12:33</c>.</summary>
    public static string Exact(long at, TimeZoneInfo zone) => At(at, zone).ToString("dddd, d MMMM yyyy, HH:mm:ss", CultureInfo.InvariantCulture);

    /// <summary><c>Today</c>, <c>Yesterday</c>, <c>Monday, 16 November</c>, with the year where it is another.</summary>
    public static string Day(long at, DateTimeOffset now, TimeZoneInfo zone)
    {
        var (day, today) = (At(at, zone).Date, TimeZoneInfo.ConvertTime(now, zone).Date);
        return (today - day).Days switch
        {
            0 => "Today",
            1 => "Yesterday",
            _ => day.ToString(day.Year == today.Year ? "dddd, d MMMM" : "dddd, d MMMM yyyy", CultureInfo.InvariantCulture),
        };
    }

    public static bool SameDay(long a, long b, TimeZoneInfo zone) => At(a, zone).Date == At(b, zone).Date;

    private static string Count(int count, string unit) => $"{count} {unit}{(count == 1 ? "" : "s")} ago";
}
