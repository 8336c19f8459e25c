using System.Globalization;
using System.Text;

namespace DChat.Terminal.Screen;

/// <summary>Makes input events of the bytes that a terminal sends, however they are cut.</summary>
/// <remarks>
/// An Escape key and the beginning of a sequence are the same byte, so what may be either waits for <see cref="FlushAfter"/>.
/// What is no key that anyone could mean is dropped.
/// </remarks>
internal sealed class InputDecoder
{
    /// <summary>How long the rest of a sequence may be under way.</summary>
    public static readonly TimeSpan EscapeTimeout = TimeSpan.FromMilliseconds(50);

    /// <summary>How long a paste may pause before that much of it is handed on.</summary>
    public static readonly TimeSpan PasteTimeout = TimeSpan.FromSeconds(1);

    private const byte Escape = 0x1B;

    private readonly PasteCollector _paste = new();
    private byte[] _pending = [];

    /// <summary>When nothing arrives for so long, <see cref="Flush"/> is to be called; nothing is waiting where it is null.</summary>
    public TimeSpan? FlushAfter =>
        _paste.IsOpen ? (_paste.IsEmpty ? null : PasteTimeout)
        : _pending is [Escape] or [Escape, _] ? EscapeTimeout
        : null;

    public void Feed(ReadOnlySpan<byte> bytes, ICollection<InputEvent> events)
    {
        byte[] all = [.. _pending, .. bytes];
        var rest = Decode(all, events);
        _pending = rest.ToArray();
    }

    /// <summary>Nothing more came: what is waiting is what it looks like.</summary>
    public void Flush(ICollection<InputEvent> events)
    {
        if (_paste.IsOpen)
        {
            _paste.Take(events);
            return;
        }

        var pending = _pending;
        _pending = [];
        switch (pending)
        {
            case [Escape]:
            case [Escape, Escape]:
                events.Add(new KeyPressed(Key.Escape, KeyModifiers.None, ""));
                break;
            case [Escape, var second]:
                events.Add(Keys.OfCharacter(new Rune((char)second), KeyModifiers.Alt));
                break;
            default:
                _pending = pending;
                break;
        }
    }

    /// <returns>What is incomplete.</returns>
    private ReadOnlySpan<byte> Decode(ReadOnlySpan<byte> input, ICollection<InputEvent> events)
    {
        while (!input.IsEmpty)
        {
            var used = _paste.IsOpen ? _paste.Add(input, events)
                : input[0] == Escape ? DecodeEscape(input, events)
                : input[0] is < 0x20 or 0x7F ? DecodeControl(input[0], KeyModifiers.None, events)
                : DecodeText(input, events);
            if (used == 0)
            {
                break;
            }

            input = input[used..];
        }

        return input;
    }

    /// <returns>Bytes used; 0 where more must come first.</returns>
    private int DecodeEscape(ReadOnlySpan<byte> input, ICollection<InputEvent> events)
    {
        if (input.Length == 1)
        {
            return 0;
        }

        switch (input[1])
        {
            case (byte)'[' or (byte)'O' or (byte)']' or (byte)'P' or (byte)'_' or (byte)'^' or (byte)'X':
                return DecodeSequence(input, KeyModifiers.None, events);
            case Escape when input.Length == 2:
                return 0;
            case Escape when input[2] is (byte)'[' or (byte)'O':
                var used = DecodeSequence(input[1..], KeyModifiers.Alt, events);
                return used == 0 ? 0 : used + 1;
            case Escape:
                events.Add(new KeyPressed(Key.Escape, KeyModifiers.None, ""));
                return 1;
            case < 0x20 or 0x7F:
                return 1 + DecodeControl(input[1], KeyModifiers.Alt, events);
            default:
                return DecodeRune(input[1..], out var rune) is var length and > 0 ? 1 + Typed(rune, length, events) : 0;
        }
    }

    private static int Typed(Rune rune, int length, ICollection<InputEvent> events)
    {
        if (SafeText.IsSafe(rune) && rune != Rune.ReplacementChar)
        {
            events.Add(Keys.OfCharacter(rune, KeyModifiers.Alt));
        }

        return length;
    }

    private int DecodeSequence(ReadOnlySpan<byte> input, KeyModifiers more, ICollection<InputEvent> events)
    {
        var length = EscapeSequence.Length(input);
        if (length <= 0)
        {
            return -length;
        }

        var sequence = EscapeSequence.Parse(input[..length]);
        if (sequence is { Kind: SequenceKind.Control, Final: '~' } && sequence.First == PasteCollector.Begin)
        {
            _paste.Open();
        }
        else if (sequence.ToEvent(more) is { } happened)
        {
            events.Add(happened);
        }

        return length;
    }

    private static int DecodeControl(byte control, KeyModifiers modifiers, ICollection<InputEvent> events)
    {
        events.Add(Keys.OfControl(control, modifiers));
        return 1;
    }

    /// <summary>All text up to the next control character, grapheme by grapheme.</summary>
    private static int DecodeText(ReadOnlySpan<byte> input, ICollection<InputEvent> events)
    {
        var (text, used) = (new StringBuilder(), 0);
        while (used < input.Length && input[used] is >= 0x20 and not 0x7F)
        {
            var length = DecodeRune(input[used..], out var rune);
            if (length == 0)
            {
                break;
            }

            used += length;
            if (SafeText.IsSafe(rune) && rune != Rune.ReplacementChar)
            {
                text.Append(rune);
            }
        }

        var elements = StringInfo.GetTextElementEnumerator(text.ToString());
        while (elements.MoveNext())
        {
            events.Add(new KeyPressed(Key.Character, KeyModifiers.None, elements.GetTextElement()));
        }

        return used;
    }

    /// <returns>Its bytes; 0 where more must come first. What is no UTF-8 comes out as U+FFFD.</returns>
    private static int DecodeRune(ReadOnlySpan<byte> input, out Rune rune) =>
        Rune.DecodeFromUtf8(input, out rune, out var length) == System.Buffers.OperationStatus.NeedMoreData ? 0 : length;
}
