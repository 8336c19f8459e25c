namespace DChat.Terminal.Screen;

/// <summary>The nearest colour that a terminal can show.</summary>
internal static class ColorDegrading
{
    private const int FirstCube = 16;
    private const int FirstGrey = 232;

    /// <summary>How xterm shows the sixteen; themes differ, but not in which is red.</summary>
    private static readonly (byte R, byte G, byte B)[] Sixteen =
    [
        (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229),
        (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255), (0, 255, 255), (255, 255, 255),
    ];

    private static readonly byte[] CubeSteps = [0, 95, 135, 175, 215, 255];

    public static Color Degrade(this Color color, ColorDepth depth)
    {
        if (color.IsDefault || depth == ColorDepth.None)
        {
            return Color.Default;
        }

        return depth switch
        {
            ColorDepth.TrueColor => color,
            ColorDepth.Palette256 => color.IsPalette ? color : Nearest(color.Components),
            _ => color is { IsPalette: true, Index: < FirstCube } ? color : NearestOfSixteen(color.IsPalette ? OfPalette(color.Index) : color.Components),
        };
    }

    /// <summary>Of the cube and the greys, whose colours are the same everywhere.</summary>
    private static Color Nearest((byte R, byte G, byte B) wanted)
    {
        var cube = FirstCube + (36 * NearestStep(wanted.R)) + (6 * NearestStep(wanted.G)) + NearestStep(wanted.B);
        var grey = FirstGrey + Math.Clamp((((wanted.R + wanted.G + wanted.B) / 3) - 3) / 10, 0, 23);
        return Color.Palette((byte)(Distance(OfPalette(grey), wanted) < Distance(OfPalette(cube), wanted) ? grey : cube));
    }

    private static Color NearestOfSixteen((byte R, byte G, byte B) wanted)
    {
        var best = 0;
        for (var i = 1; i < Sixteen.Length; i++)
        {
            best = Distance(Sixteen[i], wanted) < Distance(Sixteen[best], wanted) ? i : best;
        }

        return Color.Palette((byte)best);
    }

    private static (byte R, byte G, byte B) OfPalette(int index)
    {
        if (index < FirstCube)
        {
            return Sixteen[index];
        }

        if (index >= FirstGrey)
        {
            var level = (byte)(8 + ((index - FirstGrey) * 10));
            return (level, level, level);
        }

        var cube = index - FirstCube;
        return (CubeSteps[cube / 36], CubeSteps[cube / 6 % 6], CubeSteps[cube % 6]);
    }

    private static int NearestStep(byte level)
    {
        var best = 0;
        for (var i = 1; i < CubeSteps.Length; i++)
        {
            best = Math.Abs(CubeSteps[i] - level) < Math.Abs(CubeSteps[best] - level) ? i : best;
        }

        return best;
    }

    private static int Distance((byte R, byte G, byte B) a, (byte R, byte G, byte B) b) =>
        ((a.R - b.R) * (a.R - b.R)) + ((a.G - b.G) * (a.G - b.G)) + ((a.B - b.B) * (a.B - b.B));
}
