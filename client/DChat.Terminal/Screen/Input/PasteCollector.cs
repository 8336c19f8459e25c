using System.Text;

namespace DChat.Terminal.Screen;

/// <summary>Gathers a bracketed paste: all bytes up to its end mark are text, whatever they look like.</summary>
internal sealed class PasteCollector
{
    /// <summary>The number of the key that begins a paste.</summary>
    public const int Begin = 200;

    /// <summary>Bytes of one paste; what is beyond is dropped.</summary>
    private const int MaxBytes = 1024 * 1024;

    private static readonly byte[] End = "\e[201~"u8.ToArray();

    private readonly List<byte> _bytes = [];

    public bool IsOpen { get; private set; }

    public bool IsEmpty => _bytes.Count == 0;

    public void Open() => IsOpen = true;

    /// <returns>Bytes used; 0 where what is left may be the beginning of the end mark.</returns>
    public int Add(ReadOnlySpan<byte> input, ICollection<InputEvent> events)
    {
        var end = input.IndexOf(End);
        if (end >= 0)
        {
            Append(input[..end]);
            IsOpen = false;
            Take(events);
            return end + End.Length;
        }

        var kept = Math.Min(input.Length, End.Length - 1);
        while (kept > 0 && !End.AsSpan().StartsWith(input[^kept..]))
        {
            kept--;
        }

        Append(input[..^kept]);
        return input.Length - kept;
    }

    /// <summary>Hands on what has come so far.</summary>
    public void Take(ICollection<InputEvent> events)
    {
        var text = Clean(Encoding.UTF8.GetString([.. _bytes]));
        _bytes.Clear();
        if (text.Length > 0)
        {
            events.Add(new Pasted(text));
        }
    }

    private void Append(ReadOnlySpan<byte> bytes) => _bytes.AddRange(bytes[..Math.Min(bytes.Length, MaxBytes - _bytes.Count)]);

    private static string Clean(string pasted)
    {
        var clean = new StringBuilder(pasted.Length);
        foreach (var rune in pasted.ReplaceLineEndings("\n").EnumerateRunes())
        {
            if (rune.Value is '\n' or '\t' || (SafeText.IsSafe(rune) && rune != Rune.ReplacementChar))
            {
                clean.Append(rune);
            }
        }

        return clean.ToString();
    }
}
