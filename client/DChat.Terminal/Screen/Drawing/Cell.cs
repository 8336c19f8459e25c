namespace DChat.Terminal.Screen;

/// <summary>One place of the screen.</summary>
/// <param name="Text">The grapheme that begins here, clean and at least one column wide; empty in the right half of a wide one.</param>
/// <param name="Width">Columns: 1 or 2; 0 for the right half of a wide one.</param>
internal readonly record struct Cell(string Text, int Width, Style Style)
{
    public static readonly Cell Blank = new(" ", 1, Style.Default);

    public bool IsRightHalf => Width == 0;
}
