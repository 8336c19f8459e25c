using System.Text;

namespace DChat.Terminal.Screen;

/// <summary>Which key a character, a control character or a number means.</summary>
internal static class Keys
{
    /// <summary>The first of kitty's codes for the keypad: its digits.</summary>
    private const int FirstKeypad = 57399;
    private const string Keypad = "0123456789./*-+\r=,";

    /// <summary>Keys named by a number before <c>~</c> (VT220 and xterm).</summary>
    public static Key? OfNumber(int number) => number switch
    {
        1 or 7 => Key.Home,
        2 => Key.Insert,
        3 => Key.Delete,
        4 or 8 => Key.End,
        5 => Key.PageUp,
        6 => Key.PageDown,
        >= 11 and <= 15 => Key.F1 + (number - 11),
        >= 17 and <= 21 => Key.F6 + (number - 17),
        23 or 24 => Key.F11 + (number - 23),
        _ => null,
    };

    /// <summary>Keys named by the letter that ends their sequence.</summary>
    public static Key? OfFinal(char final) => final switch
    {
        'A' => Key.Up,
        'B' => Key.Down,
        'C' => Key.Right,
        'D' => Key.Left,
        'F' => Key.End,
        'H' => Key.Home,
        'M' => Key.Enter,
        >= 'P' and <= 'S' => Key.F1 + (final - 'P'),
        _ => null,
    };

    /// <summary>A control character: a key of its own, or a letter with Control.</summary>
    public static KeyPressed OfControl(byte control, KeyModifiers modifiers) => control switch
    {
        0x0D => new KeyPressed(Key.Enter, modifiers, ""),
        0x09 => new KeyPressed(Key.Tab, modifiers, ""),
        0x08 or 0x7F => new KeyPressed(Key.Backspace, modifiers, ""),
        0x00 => new KeyPressed(Key.Character, modifiers | KeyModifiers.Control, " "),
        < 0x1B => new KeyPressed(Key.Character, modifiers | KeyModifiers.Control, ((char)(control + 'a' - 1)).ToString()),
        _ => new KeyPressed(Key.Character, modifiers | KeyModifiers.Control, ((char)(control + '@')).ToString()),
    };

    /// <summary>A character with modifiers. Shift is in the character alone, unless others are held with it.</summary>
    public static KeyPressed OfCharacter(Rune rune, KeyModifiers modifiers)
    {
        if ((modifiers & ~KeyModifiers.Shift) == 0)
        {
            var typed = (modifiers & KeyModifiers.Shift) != 0 ? Rune.ToUpperInvariant(rune) : rune;
            return new KeyPressed(Key.Character, KeyModifiers.None, typed.ToString());
        }

        return Rune.IsUpper(rune)
            ? new KeyPressed(Key.Character, modifiers | KeyModifiers.Shift, Rune.ToLowerInvariant(rune).ToString())
            : new KeyPressed(Key.Character, modifiers, rune.ToString());
    }

    /// <summary>A key named by its code point (kitty's protocol, xterm's modifyOtherKeys).</summary>
    /// <param name="shifted">The character that it makes with Shift, or -1.</param>
    public static KeyPressed? OfCode(int code, int shifted, KeyModifiers modifiers)
    {
        if (code >= FirstKeypad && code < FirstKeypad + Keypad.Length)
        {
            code = Keypad[code - FirstKeypad];
        }

        switch (code)
        {
            case 0x0D:
                return new KeyPressed(Key.Enter, modifiers, "");
            case 0x09:
                return new KeyPressed(Key.Tab, modifiers, "");
            case 0x1B:
                return new KeyPressed(Key.Escape, modifiers, "");
            case 0x08 or 0x7F:
                return new KeyPressed(Key.Backspace, modifiers, "");
        }

        // kitty keeps its other keys in the private use area.
        if (!Rune.IsValid(code) || code is >= 0xE000 and <= 0xF8FF || !SafeText.IsSafe(new Rune(code)))
        {
            return null;
        }

        return modifiers == KeyModifiers.Shift && Rune.IsValid(shifted) && SafeText.IsSafe(new Rune(shifted))
            ? OfCharacter(new Rune(shifted), KeyModifiers.None)
            : OfCharacter(new Rune(code), modifiers);
    }
}
