namespace DChat.Terminal.Ui;

/// <summary>Line editing as emacs, and every shell, does it.</summary>
internal static class EditorKeys
{
    /// <summary>The editor after an act; null where the act is none of an editor's, or it has nowhere to go.</summary>
    public static Editor? Apply(Editor editor, Act? act) => act switch
    {
        Act.Left => editor.Left(),
        Act.Right => editor.Right(),
        Act.WordLeft => editor.WordLeft(),
        Act.WordRight => editor.WordRight(),
        Act.LineStart => editor.LineStart(),
        Act.LineEnd => editor.LineEnd(),
        Act.TextStart => editor.TextStart(),
        Act.TextEnd => editor.TextEnd(),
        Act.Backspace => editor.Backspace(),
        Act.Delete => editor.Delete(),
        Act.KillToEnd => editor.KillToLineEnd(),
        Act.KillToStart => editor.KillToLineStart(),
        Act.KillWordLeft => editor.KillWordLeft(),
        Act.KillWordRight => editor.KillWordRight(),
        Act.Yank => editor.Yank(),
        Act.Transpose => editor.Transpose(),
        Act.Undo => editor.Undo(),
        Act.NewLine => editor.Insert("\n"),
        Act.Up => editor.Up(),
        Act.Down => editor.Down(),
        _ => null,
    };
}
