using System.Runtime.InteropServices;

namespace DChat.Terminal.Load.Checking;

/// <summary>A 64-bit digest, good enough that two different messages do not meet by chance. Not against an adversary.</summary>
internal readonly record struct Digest(ulong Value)
{
    private const ulong Prime = 0x9E3779B97F4A7C15;

    public static Digest Start => new(0x51_7C_C1_B7_27_22_0A_95);

    public Digest With(ulong word)
    {
        var mixed = (Value ^ word) * Prime;
        return new Digest(mixed ^ (mixed >> 29));
    }

    public Digest With(ReadOnlySpan<byte> text)
    {
        var digest = With((ulong)text.Length);
        foreach (var word in MemoryMarshal.Cast<byte, ulong>(text))
        {
            digest = digest.With(word);
        }

        foreach (var rest in text[(text.Length & ~7)..])
        {
            digest = digest.With((ulong)rest);
        }

        return digest;
    }
}
