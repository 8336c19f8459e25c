using System.Globalization;
using System.Text;

namespace DChat.Terminal.Screen;

internal enum SequenceKind
{
    /// <summary>CSI: parameters and a final character.</summary>
    Control,

    /// <summary>CSI whose parameters belong to the terminal's own: <c>&lt;</c>, <c>=</c>, <c>&gt;</c> or <c>?</c> precedes them.</summary>
    Private,

    /// <summary>SS3: one character.</summary>
    Single,

    /// <summary>OSC, DCS and the like: text up to its end mark.</summary>
    Text,
}

/// <summary>One sequence that a terminal sent, taken apart.</summary>
/// <param name="Parameters">Numbers and their parts (<c>1:2</c>); what is absent is -1.</param>
/// <param name="Marker">The character that makes a sequence private, or that says which kind of text it is.</param>
internal sealed record EscapeSequence(SequenceKind Kind, char Final, IReadOnlyList<IReadOnlyList<int>> Parameters, char Marker, string Text)
{
    /// <summary>Bytes of the longest sequence that is understood; a longer one is dropped.</summary>
    private const int MaxLength = 4096;

    private const int MaxParameters = 16;
    private const byte Escape = 0x1B;
    private const byte BellEnd = 0x07;

    /// <summary>The first parameter, -1 where there is none.</summary>
    public int First => Number(0);

    public int Number(int index, int part = 0) =>
        index < Parameters.Count && part < Parameters[index].Count ? Parameters[index][part] : -1;

    /// <returns>The length of the sequence with which the input begins; 0 where its end has not come yet; negative the number of bytes to drop.</returns>
    public static int Length(ReadOnlySpan<byte> input)
    {
        if (input.Length < 2)
        {
            return 0;
        }

        var length = input[1] switch
        {
            (byte)'[' => ControlLength(input),
            (byte)'O' => input.Length < 3 ? 0 : input[2] is >= 0x21 and <= 0x7E ? 3 : -1,
            _ => TextLength(input),
        };
        return length == 0 && input.Length > MaxLength ? -input.Length : length;
    }

    /// <param name="sequence">A whole one, as <see cref="Length"/> found it.</param>
    public static EscapeSequence Parse(ReadOnlySpan<byte> sequence)
    {
        var final = (char)sequence[^1];
        switch (sequence[1])
        {
            case (byte)'O':
                return new EscapeSequence(SequenceKind.Single, final, [], '\0', "");
            case (byte)'[' when sequence[2] is >= (byte)'<' and <= (byte)'?':
                return new EscapeSequence(SequenceKind.Private, final, Numbers(sequence[3..^1]), (char)sequence[2], "");
            case (byte)'[':
                return new EscapeSequence(SequenceKind.Control, final, Numbers(sequence[2..^1]), sequence[2] == '[' ? '[' : '\0', "");
            default:
                var end = sequence[^1] == BellEnd ? 1 : 2;
                return new EscapeSequence(SequenceKind.Text, '\0', [], (char)sequence[1], Encoding.UTF8.GetString(sequence[2..^end]));
        }
    }

    private static int ControlLength(ReadOnlySpan<byte> input)
    {
        // The Linux console: F1 to F5 are ESC [ [ A to E.
        if (input.Length > 2 && input[2] == '[')
        {
            return input.Length < 4 ? 0 : 4;
        }

        for (var i = 2; i < input.Length; i++)
        {
            switch (input[i])
            {
                case >= 0x40 and <= 0x7E:
                    return i + 1;
                case < 0x20 or > 0x7E:
                    return -i;
            }
        }

        return 0;
    }

    private static int TextLength(ReadOnlySpan<byte> input)
    {
        for (var i = 2; i < input.Length; i++)
        {
            if (input[i] == BellEnd)
            {
                return i + 1;
            }

            if (input[i] == Escape)
            {
                return i + 1 == input.Length ? 0 : input[i + 1] == '\\' ? i + 2 : -i;
            }
        }

        return 0;
    }

    private static IReadOnlyList<IReadOnlyList<int>> Numbers(ReadOnlySpan<byte> text) =>
        [.. Encoding.ASCII.GetString(text).Split(';', MaxParameters).Select(p => p.Split(':', MaxParameters).Select(Number).ToArray())];

    private static int Number(string digits) =>
        int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1;
}
