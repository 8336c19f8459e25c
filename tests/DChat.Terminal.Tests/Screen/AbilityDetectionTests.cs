using DChat.Terminal.Screen;

namespace DChat.Terminal.Tests.Screen;

public sealed class AbilityDetectionTests
{
    [Theory]
    [InlineData("TERM=xterm", "Ansi16 Unknown True")]
    [InlineData("TERM=xterm-256color", "Palette256 Unknown True")]
    [InlineData("TERM=xterm-256color COLORTERM=truecolor", "TrueColor Unknown True")]
    [InlineData("TERM=xterm-kitty LANG=de_DE.UTF-8", "TrueColor Unknown True")]
    [InlineData("TERM=tmux-256color TERM_PROGRAM=tmux", "Palette256 Unknown True")]
    [InlineData("TERM=xterm-256color TERM_PROGRAM=iTerm.app", "TrueColor Unknown True")]
    [InlineData("TERM=xterm-kitty NO_COLOR=1", "None Unknown True")]
    [InlineData("TERM=xterm NO_COLOR=", "Ansi16 Unknown True")]
    [InlineData("TERM=linux LANG=C.UTF-8", "Ansi16 Unknown False")]
    [InlineData("TERM=xterm LANG=de_DE.ISO-8859-1", "Ansi16 Unknown False")]
    [InlineData("TERM=xterm LANG=de_DE.ISO-8859-1 LC_ALL=en_US.utf8", "Ansi16 Unknown True")]
    [InlineData("TERM=rxvt COLORFGBG=15;0", "Ansi16 Dark True")]
    [InlineData("TERM=rxvt COLORFGBG=0;default;15", "Ansi16 Light True")]
    [InlineData("TERM=rxvt COLORFGBG=0;default", "Ansi16 Unknown True")]
    [InlineData("", "Ansi16 Unknown True")]
    public void The_environment_says_what_the_terminal_can(string environment, string expected)
    {
        var variables = environment.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToDictionary(v => v[..v.IndexOf('=', StringComparison.Ordinal)], v => v[(v.IndexOf('=', StringComparison.Ordinal) + 1)..]);
        var abilities = AbilityDetection.Detect(variables.GetValueOrDefault, isWindows: false);
        Assert.Equal(expected, $"{abilities.Colors} {abilities.Background} {abilities.Unicode}");
    }
}
