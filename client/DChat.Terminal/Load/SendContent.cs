using System.Buffers.Text;
using System.Text;

namespace DChat.Terminal.Load;

/// <summary>
/// Client ids and bodies of the run's messages. Both follow from sender and number alone, so whoever is shown a message
/// can tell whether it was sent, and sent so. A client id reads <c>run.sender.number</c>; a body is words from a vocabulary
/// whose frequencies fall as those of a language do, so that searching in it is like searching in real text.
/// </summary>
internal sealed class SendContent
{
    public const int ClientIdMax = 40;

    private const int VocabularySize = 20_000;
    private const int TextBytes = 1 << 20;

    private readonly byte[] _prefix;
    private readonly byte[] _text;
    private readonly string[] _vocabulary;

    /// <param name="run">Makes the client ids of this run unlike those of every other.</param>
    /// <param name="bodyBytes">Length of each body.</param>
    /// <param name="seed">Chooses the words.</param>
    public SendContent(string run, int bodyBytes, int seed)
    {
        BodyBytes = bodyBytes;
        _prefix = Encoding.ASCII.GetBytes(run + ".");
        var random = new Random(seed);
        _vocabulary = MakeVocabulary(random);
        _text = MakeText(random, _vocabulary, Math.Max(TextBytes, bodyBytes * 2));
    }

    public int BodyBytes { get; }

    /// <summary>A word, the more often the commoner it is in the messages.</summary>
    public string RandomWord(Random random) => RandomWord(random, _vocabulary);

    public int WriteClientId(Span<byte> target, int sender, int number)
    {
        _prefix.CopyTo(target);
        var at = _prefix.Length;
        Utf8Formatter.TryFormat(sender, target[at..], out var written);
        at += written;
        target[at++] = (byte)'.';
        Utf8Formatter.TryFormat(number, target[at..], out written);
        return at + written;
    }

    public int WriteBody(Span<byte> target, int sender, int number)
    {
        BodyOf(sender, number).CopyTo(target);
        return BodyBytes;
    }

    /// <summary>Who sent a message, and as which of its sends; false where it is not one of this run's, or not as it was sent.</summary>
    public bool TryRecognize(ReadOnlySpan<byte> clientId, ReadOnlySpan<byte> body, out int sender, out int number)
    {
        sender = number = 0;
        if (!clientId.StartsWith(_prefix))
        {
            return false;
        }

        var rest = clientId[_prefix.Length..];
        return Utf8Parser.TryParse(rest, out sender, out var used)
            && used < rest.Length
            && rest[used] == (byte)'.'
            && Utf8Parser.TryParse(rest[(used + 1)..], out number, out var usedByNumber)
            && used + 1 + usedByNumber == rest.Length
            && body.SequenceEqual(BodyOf(sender, number));
    }

    private ReadOnlySpan<byte> BodyOf(int sender, int number)
    {
        var mixed = (((ulong)(uint)sender << 32) | (uint)number) * 0x9E3779B97F4A7C15;
        var start = (int)((mixed >> 32) % (ulong)(_text.Length - BodyBytes));
        return _text.AsSpan(start, BodyBytes);
    }

    private static string[] MakeVocabulary(Random random)
    {
        string[] syllables = ["ba", "ce", "di", "fo", "gu", "ha", "ke", "li", "mo", "nu", "pa", "re", "si", "to", "vu", "wa", "ze", "chi", "sto", "ple"];
        var words = new HashSet<string>(StringComparer.Ordinal);
        while (words.Count < VocabularySize)
        {
            words.Add(string.Concat(Enumerable.Range(0, random.Next(1, 5)).Select(_ => syllables[random.Next(syllables.Length)])));
        }

        return [.. words];
    }

    private static byte[] MakeText(Random random, string[] vocabulary, int length)
    {
        var text = new StringBuilder(length + 16);
        while (text.Length < length)
        {
            text.Append(RandomWord(random, vocabulary)).Append(' ');
        }

        text.Length = length;
        return Encoding.ASCII.GetBytes(text.ToString());
    }

    /// <summary>Zipf's law: the word of rank r comes up in proportion to 1/r, the commonest about once in fourteen.</summary>
    private static string RandomWord(Random random, string[] vocabulary) =>
        vocabulary[(int)(Math.Pow(vocabulary.Length, random.NextDouble()) - 1)];
}
