namespace DChat.Terminal.Screen;

/// <summary>What the environment says about the terminal.</summary>
internal static class AbilityDetection
{
    private static readonly string[] TrueColorTerms = ["direct", "kitty", "alacritty", "ghostty", "foot", "wezterm", "contour"];
    private static readonly string[] TrueColorPrograms = ["iTerm.app", "WezTerm", "ghostty", "vscode", "rio", "WarpTerminal"];

    /// <param name="variable">The value of an environment variable, or null.</param>
    public static TerminalAbilities Detect(Func<string, string?> variable, bool isWindows)
    {
        var term = variable("TERM") ?? "";
        return new TerminalAbilities(Colors(variable, term, isWindows), Background(variable("COLORFGBG")), IsUnicode(variable, term, isWindows));
    }

    /// <summary>The Linux console and the like, which print what they do not know.</summary>
    public static bool IsPlain(string? term) => term is "linux" or "dumb" or "vt100" or "vt220" or "ansi" or "cons25";

    private static ColorDepth Colors(Func<string, string?> variable, string term, bool isWindows)
    {
        if (!string.IsNullOrEmpty(variable("NO_COLOR")) || term is "dumb" or "vt100" or "vt220")
        {
            return ColorDepth.None;
        }

        if (isWindows
            || variable("COLORTERM") is "truecolor" or "24bit"
            || TrueColorTerms.Any(name => term.Contains(name, StringComparison.Ordinal))
            || TrueColorPrograms.Contains(variable("TERM_PROGRAM")))
        {
            return ColorDepth.TrueColor;
        }

        return term.Contains("256color", StringComparison.Ordinal) ? ColorDepth.Palette256 : ColorDepth.Ansi16;
    }

    /// <summary>"15;0" is white on black (rxvt, Konsole); 7 and from 9 on are light.</summary>
    private static BackgroundShade Background(string? colors) =>
        int.TryParse(colors?.Split(';')[^1], out var background) && background is >= 0 and <= 15
            ? background is 7 or >= 9 ? BackgroundShade.Light : BackgroundShade.Dark
            : BackgroundShade.Unknown;

    /// <summary>Only where another character set is named, or the terminal has no glyphs: containers often name none and are UTF-8 all the same.</summary>
    private static bool IsUnicode(Func<string, string?> variable, string term, bool isWindows)
    {
        if (isWindows)
        {
            return true;
        }

        string[] order = ["LC_ALL", "LC_CTYPE", "LANG"];
        var locale = order.Select(variable).FirstOrDefault(value => !string.IsNullOrEmpty(value)) ?? "";
        var charset = locale.Split('.', '@') is [_, var named, ..] && locale.Contains('.', StringComparison.Ordinal) ? named : "UTF-8";
        return charset.Replace("-", "", StringComparison.Ordinal).Equals("utf8", StringComparison.OrdinalIgnoreCase) && !IsPlain(term);
    }
}
