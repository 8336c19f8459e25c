namespace DChat.Terminal.Screen;

/// <summary>Something that the person at the terminal did, or the terminal itself.</summary>
internal abstract record InputEvent;

/// <param name="Text">The grapheme that was typed; with Control or Alt the base character ("a" for Ctrl-A); empty for keys that are no <see cref="Key.Character"/>.</param>
internal sealed record KeyPressed(Key Key, KeyModifiers Modifiers, string Text) : InputEvent;

/// <param name="X">Column from 0.</param>
/// <param name="Y">Row from 0.</param>
/// <param name="Button">0 left, 1 middle, 2 right; 0 for the wheel.</param>
internal sealed record MouseInput(MouseKind Kind, int X, int Y, int Button, KeyModifiers Modifiers) : InputEvent;

/// <summary>Text from the clipboard (bracketed paste). Line breaks are <c>\n</c>, tabs stay; other control characters are taken out.</summary>
internal sealed record Pasted(string Text) : InputEvent;

/// <summary>The screen has another size, or lost what it showed (the program was in the background): draw a frame of this size.</summary>
internal sealed record Resized(Size Size) : InputEvent;

/// <summary>The terminal's window got or lost the keyboard.</summary>
internal sealed record FocusChanged(bool Focused) : InputEvent;

/// <summary>The terminal has said more about itself.</summary>
internal sealed record AbilitiesChanged(TerminalAbilities Abilities) : InputEvent;

/// <summary>The terminal answered what its background is; handled by the terminal itself.</summary>
internal sealed record BackgroundReported(BackgroundShade Shade) : InputEvent;

internal enum Key
{
    Character,
    Enter,
    Escape,
    Tab,
    Backspace,
    Delete,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    Insert,
    F1,
    F2,
    F3,
    F4,
    F5,
    F6,
    F7,
    F8,
    F9,
    F10,
    F11,
    F12,
}

[Flags]
internal enum KeyModifiers
{
    None = 0,
    Shift = 1,
    Alt = 2,
    Control = 4,
}

internal enum MouseKind
{
    Down,
    Up,
    Drag,
    WheelUp,
    WheelDown,
}
