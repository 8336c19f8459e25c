using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>Where an editor is in vi's modes.</summary>
/// <param name="IsNormal">Keys are commands; else they type.</param>
/// <param name="Operator">A command that waits for where to: <c>d</c>, <c>c</c>, <c>y</c>, <c>r</c>, <c>g</c>; or none.</param>
internal readonly record struct ViState(bool IsNormal, char Operator = '\0')
{
    public static readonly ViState Insert = new(false);
    public static readonly ViState Normal = new(true);
}

/// <summary>The part of vi that people use in an input line.</summary>
internal static class ViKeys
{
    /// <summary>What a key does in the normal mode; null where it is none of vi's.</summary>
    public static (Editor Editor, ViState State)? Apply(Editor editor, ViState state, KeyPressed pressed)
    {
        if (pressed.Key != Key.Character || (pressed.Modifiers & ~KeyModifiers.Shift) != 0 || pressed.Text.Length == 0)
        {
            return null;
        }

        var key = pressed.Text[0];
        return state.Operator switch
        {
            'r' => (editor.Replace(editor.Cursor, editor.RightOf(editor.Cursor), pressed.Text).At(editor.Cursor), ViState.Normal),
            'g' => (key == 'g' ? editor.TextStart() : editor, ViState.Normal),
            'd' or 'c' or 'y' => Operate(editor, state.Operator, key),
            _ => Command(editor, key),
        };
    }

    /// <summary>Leaves the insert mode, as Esc does: the cursor goes one back.</summary>
    public static (Editor Editor, ViState State) Leave(Editor editor) =>
        (editor.Cursor > editor.LineStartOf(editor.Cursor) ? editor.Left() : editor, ViState.Normal);

    private static (Editor, ViState) Command(Editor editor, char key) => key switch
    {
        'i' => (editor, ViState.Insert),
        'a' => (OnLine(editor, editor.RightOf(editor.Cursor)), ViState.Insert),
        'I' => (editor.LineStart(), ViState.Insert),
        'A' => (editor.LineEnd(), ViState.Insert),
        'o' => (editor.LineEnd().Insert("\n"), ViState.Insert),
        'O' => (editor.LineStart().Insert("\n").Left(), ViState.Insert),
        'x' => (editor.Kill(editor.Cursor, Math.Min(editor.RightOf(editor.Cursor), editor.LineEndOf(editor.Cursor))), ViState.Normal),
        'X' => (editor.Cursor > editor.LineStartOf(editor.Cursor) ? editor.Kill(editor.LeftOf(editor.Cursor), editor.Cursor) : editor, ViState.Normal),
        's' => (editor.Kill(editor.Cursor, Math.Min(editor.RightOf(editor.Cursor), editor.LineEndOf(editor.Cursor))), ViState.Insert),
        'D' => (editor.Kill(editor.Cursor, editor.LineEndOf(editor.Cursor)), ViState.Normal),
        'C' => (editor.Kill(editor.Cursor, editor.LineEndOf(editor.Cursor)), ViState.Insert),
        'p' => (editor.At(editor.RightOf(editor.Cursor)).Yank(), ViState.Normal),
        'P' => (editor.Yank(), ViState.Normal),
        'u' => (editor.Undo(), ViState.Normal),
        'd' or 'c' or 'y' or 'r' or 'g' => (editor, ViState.Normal with { Operator = key }),
        'G' => (editor.TextEnd(), ViState.Normal),
        'j' => (editor.Down() ?? editor, ViState.Normal),
        'k' => (editor.Up() ?? editor, ViState.Normal),
        _ => (Target(editor, key) is { } to ? editor.At(to) : editor, ViState.Normal),
    };

    private static (Editor, ViState) Operate(Editor editor, char operation, char motion)
    {
        var (from, to) = motion == operation
            ? WholeLine(editor, operation)
            : motion == 'e' || motion == '$' ? (editor.Cursor, motion == 'e' ? editor.WordEndAfter(editor.Cursor) : editor.LineEndOf(editor.Cursor))
            : Target(editor, motion) is { } target ? (Math.Min(editor.Cursor, target), Math.Max(editor.Cursor, target))
            : (editor.Cursor, editor.Cursor);

        // "cw" changes a word, not the space after it.
        if (operation == 'c' && motion == 'w')
        {
            to = editor.WordEndAfter(editor.Cursor);
        }

        return operation switch
        {
            'y' => (editor.Copy(from, to), ViState.Normal),
            'c' => (editor.Kill(from, to), ViState.Insert),
            _ => (editor.Kill(from, to), ViState.Normal),
        };
    }

    private static (int From, int To) WholeLine(Editor editor, char operation)
    {
        var (start, end) = (editor.LineStartOf(editor.Cursor), editor.LineEndOf(editor.Cursor));
        return operation == 'd' && end < editor.Text.Length ? (start, end + 1)
            : operation == 'd' && start > 0 ? (start - 1, end)
            : (start, end);
    }

    private static int? Target(Editor editor, char motion) => motion switch
    {
        'h' => OnLine(editor, editor.LeftOf(editor.Cursor)).Cursor,
        'l' or ' ' => OnLine(editor, editor.RightOf(editor.Cursor)).Cursor,
        'w' or 'W' => NextWord(editor),
        'b' or 'B' => editor.WordStartBefore(editor.Cursor),
        'e' or 'E' => editor.WordEndAfter(Math.Min(editor.Text.Length, editor.Cursor + 1)) is var end && end > 0 ? editor.LeftOf(end) : 0,
        '0' => editor.LineStartOf(editor.Cursor),
        '^' => FirstOfLine(editor),
        '$' => editor.LineEndOf(editor.Cursor) is var last && last > editor.LineStartOf(editor.Cursor) ? editor.LeftOf(last) : last,
        _ => null,
    };

    private static int NextWord(Editor editor)
    {
        var at = editor.Cursor;
        while (at < editor.Text.Length && editor.IsWord(at))
        {
            at++;
        }

        while (at < editor.Text.Length && !editor.IsWord(at))
        {
            at++;
        }

        return at;
    }

    private static int FirstOfLine(Editor editor)
    {
        var (at, end) = (editor.LineStartOf(editor.Cursor), editor.LineEndOf(editor.Cursor));
        while (at < end && editor.Text[at] == ' ')
        {
            at++;
        }

        return at;
    }

    private static Editor OnLine(Editor editor, int at) =>
        editor.At(Math.Clamp(at, editor.LineStartOf(editor.Cursor), editor.LineEndOf(editor.Cursor)));
}
