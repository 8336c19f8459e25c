using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>The help as lines, made of the keymap and the commands as they are.</summary>
internal static class DialogText
{
    private const int KeysWidth = 22;

    private const string Introduction = "Type and press Enter. / begins a command, @ a name, # a room, : an emoji; Tab completes. "
        + "Click a room, a message or a person; the wheel scrolls; Shift and drag selects text. "
        + "Alt-1 … Alt-9 open rooms by number. ? again types a question mark.";

    public static IReadOnlyList<StyledLine> Help(Model model)
    {
        var theme = model.Theme;
        List<StyledLine> lines =
        [
            .. TextLayout.Wrap([new Span(Introduction, theme.Text)], WidthOf(model)),
        ];
        foreach (var (section, acts) in Acts.Help)
        {
            lines.Add(StyledLine.Empty);
            lines.Add(new StyledLine(section, theme.Strong));
            lines.AddRange(acts.Select(a => Pair(theme, model.Keymap.KeysOf(a.Act), a.Says)));
        }

        lines.Add(StyledLine.Empty);
        lines.Add(new StyledLine("A chosen message", theme.Strong));
        lines.AddRange(MessageKeys.All.Select(a => Pair(theme, a.Key, a.Says)));
        lines.Add(StyledLine.Empty);
        lines.Add(new StyledLine("Commands", theme.Strong));
        lines.AddRange(SlashCommand.All.Select(c => Pair(theme, $"/{c.Name} {c.Arguments}".TrimEnd(), c.Says)));
        lines.Add(StyledLine.Empty);
        lines.Add(new StyledLine("Writing", theme.Strong));
        lines.Add(new StyledLine("**bold**  *italic*  ~~struck~~  `code`  > quote  [words](address)", theme.Dim));
        return lines;
    }

    /// <summary>Rows of the dialog's text that are in view.</summary>
    public static int RowsOf(Model model) => model.Dialog is { } dialog ? Math.Max(1, DialogBox.Of(model, dialog).Inner.Height - 1) : 1;

    private static int WidthOf(Model model) => model.Dialog is { } dialog ? DialogBox.Of(model, dialog).Inner.Width : 1;

    private static StyledLine Pair(Theme theme, string keys, string says)
    {
        var shown = TextWidth.Truncate(keys, KeysWidth - 1);
        return new StyledLine([new Span(shown + new string(' ', KeysWidth - TextWidth.Of(shown)), theme.Accent), new Span(says, theme.Text)]);
    }
}
