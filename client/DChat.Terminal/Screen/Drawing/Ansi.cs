using System.Text;

namespace DChat.Terminal.Screen;

/// <summary>Every escape sequence that is written (ECMA-48, and what xterm, iTerm2 and kitty added). No other place knows any.</summary>
internal static class Ansi
{
    public const string BeginUpdate = "\e[?2026h";
    public const string EndUpdate = "\e[?2026l";
    public const string ShowCursor = "\e[?25h";
    public const string HideCursor = "\e[?25l";
    public const string ResetStyle = "\e[0m";
    public const string EraseScreen = "\e[2J";
    public const string EraseToEndOfLine = "\e[K";
    public const string EndLink = "\e]8;;\e\\";
    public const string Bell = "\a";

    /// <summary>Presses, releases, drags and the wheel, with coordinates of any size (SGR).</summary>
    public const string ReportMouse = "\e[?1000h\e[?1002h\e[?1006h";
    public const string IgnoreMouse = "\e[?1006l\e[?1002l\e[?1000l";

    /// <summary>
    /// Keeps title and main screen; no wrapping at the right edge; bracketed paste and focus reports; characters stay in the
    /// cells to which they were written (explicit order, BDSM), where a terminal would else move right-to-left text across panes.
    /// </summary>
    private const string EnterScreen = "\e[22;2t\e[?1049h\e[?7l\e[?2004h\e[?1004h\e[8l";
    private const string LeaveScreen = "\e[8h\e[?1004l\e[?2004l\e[?7h\e[?1049l\e[23;2t";

    /// <summary>kitty's keyboard protocol, as far as it makes keys unambiguous: Escape, Shift-Enter, Ctrl-I.</summary>
    private const string DistinguishKeys = "\e[>1u";
    private const string ForgetKeys = "\e[<u";

    private const string AskBackground = "\e]11;?\e\\";

    /// <summary>Bytes that terminals take at least for the clipboard; xterm's limit before encoding.</summary>
    private const int MaxClipboardBytes = 74_994;

    private const int MaxTitleLength = 200;
    private const int MaxNotificationLength = 500;
    private const int MaxLinkLength = 2_000;

    /// <param name="plain">For a terminal that knows nothing newer than the VT220, and may print what it does not know (the Linux console).</param>
    public static string Enter(bool mouse, bool plain) =>
        EnterScreen + (plain ? "" : DistinguishKeys + AskBackground) + (mouse ? ReportMouse : "") + HideCursor;

    /// <summary>Undoes <see cref="Enter"/>, whatever was written last.</summary>
    public static string Leave(bool plain) =>
        (plain ? "" : EndLink) + EndUpdate + ResetStyle + IgnoreMouse + (plain ? "" : ForgetKeys) + LeaveScreen + ShowCursor;

    public static string MoveTo(int x, int y) => $"\e[{y + 1};{x + 1}H";

    public static string Title(string title) => $"\e]2;{Bounded(title, MaxTitleLength)}\e\\";

    public static string Notification(string title, string body, NotificationKind kind) => kind switch
    {
        NotificationKind.Osc9 => $"\e]9;{Bounded($"{title}: {body}", MaxNotificationLength)}\e\\",
        _ => $"\e]777;notify;{Field(title)};{Field(body)}\e\\",
    };

    /// <summary>Text from others is pasted into shells: nothing but lines is left of it. What is longer than terminals take is cut.</summary>
    public static string Clipboard(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(string.Join('\n', SafeText.Lines(text)));
        var length = Math.Min(bytes.Length, MaxClipboardBytes);
        while (length > 0 && length < bytes.Length && (bytes[length] & 0xC0) == 0x80)
        {
            length--;
        }

        return $"\e]52;c;{Convert.ToBase64String(bytes, 0, length)}\e\\";
    }

    /// <returns>The beginning of a link; of none where the address is no plain one of the web or of mail.</returns>
    public static string Link(string? address)
    {
        if (address is not { Length: > 0 and <= MaxLinkLength }
            || !Uri.TryCreate(address, UriKind.Absolute, out var uri)
            || uri.Scheme is not ("http" or "https" or "mailto"))
        {
            return EndLink;
        }

        var escaped = uri.AbsoluteUri;
        return escaped.AsSpan().ContainsAnyExceptInRange('!', '~') ? EndLink : $"\e]8;;{escaped}\e\\";
    }

    /// <summary>Sets exactly this style, whatever was set before; its link apart.</summary>
    public static string SetStyle(Style style, ColorDepth depth)
    {
        var codes = new StringBuilder("\e[0");
        AppendAttributes(codes, style.Attributes);
        AppendColor(codes, style.Foreground.Degrade(depth), foreground: true);
        AppendColor(codes, style.Background.Degrade(depth), foreground: false);
        return codes.Append('m').ToString();
    }

    private static void AppendAttributes(StringBuilder codes, TextAttributes attributes)
    {
        ReadOnlySpan<(TextAttributes Attribute, string Code)> known =
        [
            (TextAttributes.Bold, ";1"),
            (TextAttributes.Dim, ";2"),
            (TextAttributes.Italic, ";3"),
            (TextAttributes.Underline, ";4"),
            (TextAttributes.Reverse, ";7"),
            (TextAttributes.Strike, ";9"),
        ];
        foreach (var (attribute, code) in known)
        {
            if ((attributes & attribute) != 0)
            {
                codes.Append(code);
            }
        }
    }

    private static void AppendColor(StringBuilder codes, Color color, bool foreground)
    {
        if (color.IsDefault)
        {
            return;
        }

        var shift = foreground ? 0 : 10;
        if (!color.IsPalette)
        {
            var (r, g, b) = color.Components;
            codes.Append($";{38 + shift};2;{r};{g};{b}");
        }
        else if (color.Index < 16)
        {
            codes.Append($";{(color.Index < 8 ? 30 + color.Index : 82 + color.Index) + shift}");
        }
        else
        {
            codes.Append($";{38 + shift};5;{color.Index}");
        }
    }

    private static string Field(string text) => Bounded(text, MaxNotificationLength).Replace(';', ',');

    private static string Bounded(string text, int length)
    {
        var clean = SafeText.Clean(text);
        return clean.Length <= length ? clean : TextWidth.Truncate(clean[..length], length - 1, "") + "…";
    }
}
