using System.Collections.Immutable;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>A line of a form.</summary>
/// <param name="Options">What it may be, where it is one of several; else anything.</param>
internal sealed record Field(string Id, string Label, Editor Editor, bool Secret = false, ImmutableArray<string> Options = default, string Hint = "")
{
    public bool IsChoice => !Options.IsDefaultOrEmpty;

    public string Text => Editor.Text;
}

/// <summary>The lines of a form, and which one is typed into.</summary>
internal sealed record Fields(ImmutableArray<Field> All, int Focus = 0)
{
    public Field Focused => All[Math.Clamp(Focus, 0, All.Length - 1)];

    public string this[string id] => All.FirstOrDefault(f => f.Id == id)?.Text.Trim() ?? "";

    /// <summary>As it was typed; spaces in a password are its own.</summary>
    public string Exact(string id) => All.FirstOrDefault(f => f.Id == id)?.Text ?? "";

    public Fields Move(int by) => this with { Focus = (Focus + by + All.Length) % All.Length };

    public Fields Set(string id, string text)
    {
        var index = All.ToList().FindIndex(f => f.Id == id);
        return index < 0 ? this : this with { All = All.SetItem(index, All[index] with { Editor = Editor.Of(text) }) };
    }

    /// <summary>After a key that types or edits; null where it does neither.</summary>
    public Fields? Press(KeyPressed pressed, Act? act)
    {
        var field = Focused;
        if (field.IsChoice)
        {
            var by = act is Act.Right || pressed.Text == " " ? 1 : act is Act.Left ? -1 : 0;
            var at = Math.Max(0, field.Options.IndexOf(field.Text));
            return by == 0 ? null : With(Editor.Of(field.Options[(at + by + field.Options.Length) % field.Options.Length]));
        }

        if (act is Act.NewLine or Act.Up or Act.Down)
        {
            return null;
        }

        return EditorKeys.Apply(field.Editor, act) is { } edited ? With(edited)
            : Typed.TextOf(pressed) is { } text ? With(field.Editor.Insert(text))
            : null;
    }

    public Fields Paste(string text) => Focused.IsChoice ? this : With(Focused.Editor.Insert(text.ReplaceLineEndings(" ").Trim()));

    private Fields With(Editor editor) => this with { All = All.SetItem(Focus, Focused with { Editor = editor }) };
}

/// <summary>Keys that type.</summary>
internal static class Typed
{
    /// <summary>What a key types; null for keys that do something.</summary>
    public static string? TextOf(KeyPressed pressed) =>
        pressed.Key == Key.Character && (pressed.Modifiers & (KeyModifiers.Control | KeyModifiers.Alt)) == 0 && pressed.Text.Length > 0
            ? pressed.Text
            : null;
}
