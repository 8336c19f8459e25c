using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace DChat.Terminal.Ui;

/// <summary>
/// A text being written, and the cursor in it. Immutable: each operation answers the editor after it.
/// Invariant: the cursor stands between two graphemes, so no operation cuts one apart.
/// </summary>
internal sealed record Editor
{
    /// <summary>UTF-16 units; what would make it longer is cut off.</summary>
    public const int LengthMax = 64 * 1024;

    private const int UndoMax = 200;

    public static readonly Editor Empty = new();

    public string Text { get; private init; } = "";

    public int Cursor { get; private init; }

    /// <summary>What was cut last, for <see cref="Yank"/>.</summary>
    public string Killed { get; private init; } = "";

    public bool IsEmpty => Text.Length == 0;

    private ImmutableList<(string Text, int Cursor)> Undone { get; init; } = [];

    /// <summary>Whether the last change typed into a word, so that one undo takes the word back.</summary>
    private bool Typing { get; init; }

    public static Editor Of(string text)
    {
        var clean = Clean(text);
        return Empty with { Text = clean, Cursor = clean.Length };
    }

    public Editor Insert(string text)
    {
        var clean = Clean(text);
        if (clean.Length == 0 || Text.Length + clean.Length > LengthMax)
        {
            return this;
        }

        var isWord = clean.Length <= 2 && !char.IsWhiteSpace(clean[0]);
        var after = (Typing && isWord ? this : Remember()) with { Text = Text.Insert(Cursor, clean), Typing = isWord };
        return after.At(Cursor + clean.Length);
    }

    public Editor Backspace() => Cut(LeftOf(Cursor), Cursor, keep: false);

    public Editor Delete() => Cut(Cursor, RightOf(Cursor), keep: false);

    public Editor Clear() => Cut(0, Text.Length, keep: false);

    public Editor Left() => At(LeftOf(Cursor));

    public Editor Right() => At(RightOf(Cursor));

    public Editor WordLeft() => At(WordStartBefore(Cursor));

    public Editor WordRight() => At(WordEndAfter(Cursor));

    public Editor LineStart() => At(LineStartOf(Cursor));

    public Editor LineEnd() => At(LineEndOf(Cursor));

    public Editor TextStart() => At(0);

    public Editor TextEnd() => At(Text.Length);

    /// <summary>To the same column of the line above; null where there is none.</summary>
    public Editor? Up() => LineStartOf(Cursor) is > 0 and var start ? AtColumn(LineStartOf(start - 1), Cursor - start) : null;

    /// <summary>To the same column of the line below; null where there is none.</summary>
    public Editor? Down() => LineEndOf(Cursor) is var end && end < Text.Length ? AtColumn(end + 1, Cursor - LineStartOf(Cursor)) : null;

    public Editor KillToLineEnd() => Cut(Cursor, LineEndOf(Cursor) is var end && end == Cursor ? RightOf(Cursor) : end, keep: true);

    public Editor KillToLineStart() => Cut(LineStartOf(Cursor), Cursor, keep: true);

    public Editor KillWordLeft() => Cut(WordStartBefore(Cursor), Cursor, keep: true);

    public Editor KillWordRight() => Cut(Cursor, WordEndAfter(Cursor), keep: true);

    /// <summary>Cuts a part out, to be put back by <see cref="Yank"/>.</summary>
    public Editor Kill(int from, int to) => Cut(from, to, keep: true);

    /// <summary>Keeps a part for <see cref="Yank"/> without cutting it.</summary>
    public Editor Copy(int from, int to) => this with { Killed = Text[from..to] };

    public Editor Yank() => Insert(Killed);

    /// <summary>Swaps the graphemes on both sides of the cursor.</summary>
    public Editor Transpose()
    {
        var right = Cursor == LineEndOf(Cursor) ? Cursor : RightOf(Cursor);
        var middle = LeftOf(right);
        var left = LeftOf(middle);
        return middle == left || right == middle || left < LineStartOf(right)
            ? this
            : (Remember() with { Text = Text[..left] + Text[middle..right] + Text[left..middle] + Text[right..], Cursor = right }).At(right);
    }

    public Editor Undo() => Undone.Count == 0
        ? this
        : this with { Text = Undone[^1].Text, Cursor = Undone[^1].Cursor, Undone = Undone.RemoveAt(Undone.Count - 1), Typing = false };

    public Editor Replace(int from, int to, string with)
    {
        var clean = Clean(with);
        return Text.Length - (to - from) + clean.Length > LengthMax
            ? this
            : (Remember() with { Text = Text[..from] + clean + Text[to..] }).At(from + clean.Length);
    }

    /// <summary>The cursor elsewhere, moved to the beginning of the grapheme there.</summary>
    public Editor At(int cursor) => this with { Cursor = Boundary(Math.Clamp(cursor, 0, Text.Length)), Typing = Typing && cursor == Cursor };

    public int LineStartOf(int at) => at == 0 ? 0 : Text.LastIndexOf('\n', at - 1) + 1;

    public int LineEndOf(int at) => Text.IndexOf('\n', at) is >= 0 and var end ? end : Text.Length;

    public int LeftOf(int at) => at == 0 ? 0 : Boundary(at - 1);

    public int RightOf(int at) => at >= Text.Length ? Text.Length : at + StringInfo.GetNextTextElementLength(Text, at);

    public int WordStartBefore(int at)
    {
        while (at > 0 && !IsWord(at - 1))
        {
            at--;
        }

        while (at > 0 && IsWord(at - 1))
        {
            at--;
        }

        return Boundary(at);
    }

    public int WordEndAfter(int at)
    {
        while (at < Text.Length && !IsWord(at))
        {
            at++;
        }

        while (at < Text.Length && IsWord(at))
        {
            at++;
        }

        return at;
    }

    public bool IsWord(int at) => char.IsLetterOrDigit(Text[at]) || char.IsSurrogate(Text[at]) || Text[at] is '_' or '\'';

    /// <summary>Text that came by key or paste: without control characters, line breaks as <c>\n</c>.</summary>
    private static string Clean(string text)
    {
        if (!text.AsSpan().ContainsAnyExceptInRange(' ', '~'))
        {
            return text;
        }

        var kept = new StringBuilder(text.Length);
        foreach (var rune in text.ReplaceLineEndings("\n").EnumerateRunes())
        {
            if (rune.Value == '\t')
            {
                kept.Append("    ");
            }
            else if (rune.Value == '\n' || !Rune.IsControl(rune))
            {
                kept.Append(rune);
            }
        }

        return kept.ToString();
    }

    /// <summary>The last boundary of a grapheme at or before a place; looks at no more than its line.</summary>
    private int Boundary(int at)
    {
        if (at == 0 || at == Text.Length || (char.IsAscii(Text[at]) && char.IsAscii(Text[at - 1])))
        {
            return at;
        }

        var next = LineStartOf(at);
        while (next < at)
        {
            var step = StringInfo.GetNextTextElementLength(Text, next);
            if (next + step > at)
            {
                return next;
            }

            next += step;
        }

        return at;
    }

    private Editor AtColumn(int start, int column) => At(Math.Min(start + column, LineEndOf(start)));

    private Editor Cut(int from, int to, bool keep) => from >= to
        ? this
        : (Remember() with { Text = Text.Remove(from, to - from), Cursor = from, Killed = keep ? Text[from..to] : Killed }).At(from);

    private Editor Remember() => this with
    {
        Undone = (Undone.Count < UndoMax ? Undone : Undone.RemoveAt(0)).Add((Text, Cursor)),
        Typing = false,
    };
}
