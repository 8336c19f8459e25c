using System.Globalization;

namespace DChat.Terminal.Screen;

/// <summary>What a sequence from the terminal says.</summary>
internal static class SequenceMeaning
{
    private const int ModifyOtherKeys = 27;
    private const int Released = 3;

    /// <summary>Super, Hyper and Meta: shortcuts of the desktop, nothing typed.</summary>
    private const int ForeignModifiers = 8 | 16 | 32;

    private const int MouseMotion = 32;
    private const int MouseWheel = 64;
    private const int MouseMore = 128;

    private const string BackgroundReport = "11;rgb:";

    /// <param name="more">Modifiers that preceded the sequence.</param>
    /// <returns>Nothing where it says nothing of interest.</returns>
    public static InputEvent? ToEvent(this EscapeSequence sequence, KeyModifiers more) => sequence.Kind switch
    {
        SequenceKind.Single => OfSingle(sequence.Final, more),
        SequenceKind.Control => OfControl(sequence, more),
        SequenceKind.Private => sequence is { Marker: '<', Final: 'M' or 'm' } ? OfMouse(sequence) : null,
        _ => sequence.Marker == ']' ? OfReport(sequence.Text) : null,
    };

    private static KeyPressed? OfSingle(char final, KeyModifiers more) => final switch
    {
        >= 'a' and <= 'd' => new KeyPressed(Keys.OfFinal(char.ToUpperInvariant(final))!.Value, more | KeyModifiers.Control, ""),
        >= 'j' and <= 'y' => new KeyPressed(Key.Character, more, ((char)(final - 'j' + '*')).ToString()),
        _ => Keys.OfFinal(final) is { } key ? new KeyPressed(key, more, "") : null,
    };

    private static InputEvent? OfControl(EscapeSequence sequence, KeyModifiers more)
    {
        if (sequence.Marker == '[')
        {
            return sequence.Final is >= 'A' and <= 'E' ? new KeyPressed(Key.F1 + (sequence.Final - 'A'), more, "") : null;
        }

        switch (sequence.Final)
        {
            case 'I' when sequence.First < 0:
                return new FocusChanged(true);
            case 'O' when sequence.First < 0:
                return new FocusChanged(false);
            case 'M':
                return null;
        }

        var given = Math.Max(1, sequence.Number(1)) - 1;
        if (sequence.Number(1, 1) == Released || (given & ForeignModifiers) != 0)
        {
            return null;
        }

        var modifiers = more | (KeyModifiers)(given & 7);
        return sequence.Final switch
        {
            'u' => Keys.OfCode(sequence.First, sequence.Number(0, 1), modifiers),
            'Z' => new KeyPressed(Key.Tab, modifiers | KeyModifiers.Shift, ""),
            '~' when sequence.First == ModifyOtherKeys => Keys.OfCode(sequence.Number(2), -1, modifiers),
            '~' => Keys.OfNumber(sequence.First) is { } key ? new KeyPressed(key, modifiers, "") : null,
            _ => Keys.OfFinal(sequence.Final) is { } key ? new KeyPressed(key, modifiers, "") : null,
        };
    }

    private static MouseInput? OfMouse(EscapeSequence sequence)
    {
        var (code, x, y) = (sequence.First, sequence.Number(1) - 1, sequence.Number(2) - 1);
        if (code < 0 || x < 0 || y < 0 || (code & MouseMore) != 0)
        {
            return null;
        }

        var modifiers = ((code & 4) != 0 ? KeyModifiers.Shift : 0) | ((code & 8) != 0 ? KeyModifiers.Alt : 0) | ((code & 16) != 0 ? KeyModifiers.Control : 0);
        var button = code & 3;
        if ((code & MouseWheel) != 0)
        {
            return button > 1 ? null : new MouseInput(button == 0 ? MouseKind.WheelUp : MouseKind.WheelDown, x, y, 0, modifiers);
        }

        if (button == 3)
        {
            return null;
        }

        var kind = sequence.Final == 'm' ? MouseKind.Up : (code & MouseMotion) != 0 ? MouseKind.Drag : MouseKind.Down;
        return new MouseInput(kind, x, y, button, modifiers);
    }

    /// <summary>The answer to a question for the background: <c>11;rgb:RRRR/GGGG/BBBB</c>, each of one to four digits.</summary>
    private static BackgroundReported? OfReport(string text)
    {
        if (!text.StartsWith(BackgroundReport, StringComparison.Ordinal))
        {
            return null;
        }

        var levels = text[BackgroundReport.Length..].Split('/').Select(Level).ToArray();
        return levels is [{ } r, { } g, { } b]
            ? new BackgroundReported((0.299 * r) + (0.587 * g) + (0.114 * b) < 0.5 ? BackgroundShade.Dark : BackgroundShade.Light)
            : null;
    }

    private static double? Level(string digits) =>
        digits.Length is > 0 and <= 4 && int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var level)
            ? level / (Math.Pow(16, digits.Length) - 1)
            : null;
}
