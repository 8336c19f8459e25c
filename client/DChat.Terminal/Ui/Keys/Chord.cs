using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>A key with its modifiers, as people write it: <c>ctrl+k</c>, <c>alt+enter</c>, <c>f1</c>.</summary>
/// <param name="Character">In lower case; empty for keys that type none.</param>
internal readonly record struct Chord(Key Key, KeyModifiers Modifiers, string Character)
{
    private static readonly Dictionary<string, Key> Names = new(StringComparer.OrdinalIgnoreCase)
    {
        ["esc"] = Key.Escape,
        ["pgup"] = Key.PageUp,
        ["pgdn"] = Key.PageDown,
        ["return"] = Key.Enter,
        ["del"] = Key.Delete,
        ["ins"] = Key.Insert,
    };

    public static Chord Of(KeyPressed pressed)
    {
        // Shift is in the character already.
        var modifiers = pressed.Key == Key.Character ? pressed.Modifiers & ~KeyModifiers.Shift : pressed.Modifiers;
        return new Chord(pressed.Key, modifiers, pressed.Key == Key.Character ? Lower(pressed.Text, modifiers) : "");
    }

    public static bool TryParse(string text, out Chord chord)
    {
        chord = default;
        var modifiers = KeyModifiers.None;
        var rest = text.Trim();
        while (rest.IndexOf('+', 1) is > 0 and var plus && plus < rest.Length - 1 && ModifierOf(rest[..plus]) is { } modifier)
        {
            modifiers |= modifier;
            rest = rest[(plus + 1)..];
        }

        if (Names.TryGetValue(rest, out var named) || (rest.Length > 1 && !char.IsDigit(rest[0]) && Enum.TryParse(rest, ignoreCase: true, out named) && named != Key.Character))
        {
            chord = new Chord(named, modifiers, "");
            return true;
        }

        var typed = string.Equals(rest, "space", StringComparison.OrdinalIgnoreCase) ? " " : rest;
        if (typed.Length == 0 || TextWidth.LengthAt(typed) != typed.Length)
        {
            return false;
        }

        chord = new Chord(Key.Character, modifiers & ~KeyModifiers.Shift, Lower(typed, modifiers));
        return true;
    }

    public override string ToString()
    {
        var key = Key switch
        {
            Key.Character => Character == " " ? "Space" : Modifiers == KeyModifiers.None ? Character : Character.ToUpperInvariant(),
            Key.Escape => "Esc",
            Key.PageUp => "PgUp",
            Key.PageDown => "PgDn",
            Key.Up => "↑",
            Key.Down => "↓",
            Key.Left => "←",
            Key.Right => "→",
            _ => Key.ToString(),
        };
        return $"{(Modifiers.HasFlag(KeyModifiers.Control) ? "Ctrl-" : "")}{(Modifiers.HasFlag(KeyModifiers.Alt) ? "Alt-" : "")}{(Modifiers.HasFlag(KeyModifiers.Shift) ? "Shift-" : "")}{key}";
    }

    private static string Lower(string text, KeyModifiers modifiers) => modifiers == KeyModifiers.None ? text : text.ToLowerInvariant();

    private static KeyModifiers? ModifierOf(string name) => name.ToLowerInvariant() switch
    {
        "ctrl" or "control" or "c" => KeyModifiers.Control,
        "alt" or "meta" or "m" => KeyModifiers.Alt,
        "shift" or "s" => KeyModifiers.Shift,
        _ => null,
    };
}
