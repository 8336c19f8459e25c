namespace DChat.Terminal.Screen;

/// <summary>What the terminal can show.</summary>
/// <param name="Unicode">Whether more than ASCII can be shown; without, other characters are written as <c>?</c>.</param>
internal sealed record TerminalAbilities(ColorDepth Colors, BackgroundShade Background, bool Unicode)
{
    public bool TrueColor => Colors == ColorDepth.TrueColor;
}

internal enum ColorDepth
{
    /// <summary><c>NO_COLOR</c>, or a terminal without colours; bold, reverse and the like remain.</summary>
    None,
    Ansi16,
    Palette256,
    TrueColor,
}

internal enum BackgroundShade
{
    Unknown,
    Dark,
    Light,
}
