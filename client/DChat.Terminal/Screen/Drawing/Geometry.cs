namespace DChat.Terminal.Screen;

/// <summary>Columns and rows.</summary>
internal readonly record struct Size(int Width, int Height);

/// <summary>A rectangle of cells; <see cref="X"/> and <see cref="Y"/> count from the upper left corner, from 0.</summary>
internal readonly record struct Rect(int X, int Y, int Width, int Height)
{
    public int Right => X + Width;

    public int Bottom => Y + Height;

    public bool Contains(int x, int y) => x >= X && x < Right && y >= Y && y < Bottom;

    /// <summary>What both cover; without width and height where they do not meet.</summary>
    public Rect Intersect(Rect other)
    {
        var (x, y) = (Math.Max(X, other.X), Math.Max(Y, other.Y));
        return new Rect(x, y, Math.Max(0, Math.Min(Right, other.Right) - x), Math.Max(0, Math.Min(Bottom, other.Bottom) - y));
    }
}
