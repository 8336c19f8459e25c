using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>Which theme a terminal gets.</summary>
internal static class Themes
{
    public static Theme For(ThemeChoice choice, TerminalAbilities abilities) => abilities.Colors switch
    {
        ColorDepth.None or ColorDepth.Ansi16 => Theme.Plain,
        _ => choice switch
        {
            ThemeChoice.Light => Theme.Light,
            ThemeChoice.Auto when abilities.Background == BackgroundShade.Light => Theme.Light,
            _ => Theme.Dark,
        },
    };
}
