namespace DChat.Terminal.Screen;

/// <summary>A colour as the view wants it. What the terminal cannot show is degraded when it is written, not before.</summary>
internal readonly record struct Color
{
    private const uint PaletteTag = 1u << 24;
    private const uint RgbTag = 2u << 24;

    private readonly uint _value;

    private Color(uint value) => _value = value;

    /// <summary>Whatever the terminal's own foreground or background is.</summary>
    public static Color Default => default;

    public bool IsDefault => _value == 0;

    public bool IsPalette => _value >> 24 == 1;

    /// <summary>The palette's index; 0 where the colour is not of the palette.</summary>
    public byte Index => IsPalette ? (byte)_value : (byte)0;

    /// <summary>Red, green and blue of a true colour; black where it is none.</summary>
    public (byte R, byte G, byte B) Components => _value >> 24 == 2 ? ((byte)(_value >> 16), (byte)(_value >> 8), (byte)_value) : default;

    /// <param name="index">0 to 15 are the terminal's own sixteen colours, which follow its theme; 16 to 255 the fixed cube and greys.</param>
    public static Color Palette(byte index) => new(PaletteTag | index);

    public static Color Rgb(byte r, byte g, byte b) => new(RgbTag | ((uint)r << 16) | ((uint)g << 8) | b);
}
