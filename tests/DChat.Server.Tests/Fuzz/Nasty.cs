using System.Globalization;
using System.Text;

namespace DChat.Server.Tests.Fuzz;

/// <summary>Random input that somebody might have forgotten. JSON values are texts, so that they can say what no serializer would write.</summary>
internal sealed class Nasty(Random random)
{
    private static readonly string[] Values =
    [
        "null", "true", "false", "0", "-0", "-1", "1", "1.5", "1e5", "1e400", "-1e400", "0.1e-400", "2147483648", "-2147483649", "9007199254740993",
        "9223372036854775807", "9223372036854775808", "-9223372036854775809", "123456789012345678901234567890", "[]", "{}", "[[]]", "[null]", "[{}]", "{\"a\":{}}",
        "\"\"", "\" \"", "\"0\"", "\"null\"", "\"\\u0000\"", "\"a\\u0000b\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"a\\ud83d\"", "\"\\ud83d\\ude00\"", "\"\\u202e\\u200f\"",
        "\"\\n\\r\\t\\b\"", "\"\\u001e\"", "\"\\ufeff\"", "\"../../etc/passwd\"", "\"%00%2e%2e\"", "\"' OR 1=1 --\"", "\"\\\"*NEAR(\"", "\"AND OR NOT\"", "\"\\\"unclosed\"", "\"{0}{1}%s%n\"",
        "\"\\u001b[2J\"", "\"admin\"", "\"__proto__\"", "\"online\"", "\"owner\"", "\"public\"", "\"private\"", "\"direct\"", "\"system\"", "\"👩‍👩‍👧‍👦\"", "\"e\\u0301\"", "\"İ\"", "\"ß\"",
    ];

    public Random Random => random;

    public bool Chance(double probability) => random.NextDouble() < probability;

    public T Pick<T>(IReadOnlyList<T> choices) => choices[random.Next(choices.Count)];

    public byte[] Bytes(int most)
    {
        var bytes = new byte[random.Next(most + 1)];
        random.NextBytes(bytes);
        return bytes;
    }

    /// <summary>A JSON value.</summary>
    public string Value() => random.Next(12) switch
    {
        0 => $"\"{Text(random.Next(20))}\"",
        1 => $"\"{Text(random.Next(80))}\"",
        2 when Chance(0.05) => $"\"{new string('x', random.Next(9_000))}\"",
        3 when Chance(0.05) => Deep(random.Next(1, 60)),
        4 => random.NextInt64(long.MinValue, long.MaxValue).ToString(CultureInfo.InvariantCulture),
        5 => random.Next(-3, 300).ToString(CultureInfo.InvariantCulture),
        6 => $"[{Pick(Values)},{Pick(Values)}]",
        7 => $"{{\"{Text(4)}\":{Pick(Values)}}}",
        _ => Pick(Values),
    };

    /// <summary>An object with these members, changed here and there: the JSON stays JSON.</summary>
    public string Object(IReadOnlyList<(string Name, string Value)> members)
    {
        var changed = members.ToList();
        for (var changes = random.Next(4); changes > 0 && changed.Count > 0; changes--)
        {
            var at = random.Next(changed.Count);
            switch (random.Next(7))
            {
                case 0:
                    changed.RemoveAt(at);
                    break;
                case 1:
                    changed.Add((changed[at].Name, Value()));
                    break;
                case 2:
                    changed.Add((Text(random.Next(8)), Value()));
                    break;
                case 3:
                    changed[at] = (changed[at].Name.ToUpperInvariant().Replace("\\U", "\\u", StringComparison.Ordinal), changed[at].Value);
                    break;
                default:
                    changed[at] = (changed[at].Name, Value());
                    break;
            }
        }

        return $"{{{string.Join(',', changed.Select(member => $"\"{member.Name}\":{member.Value}"))}}}";
    }

    /// <summary>A text of which some bytes are others, missing, doubled or out of place.</summary>
    public byte[] Garble(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text).ToList();
        for (var changes = random.Next(1, 5); changes > 0 && bytes.Count > 0; changes--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0:
                    bytes.RemoveAt(at);
                    break;
                case 1:
                    bytes.Insert(at, (byte)random.Next(256));
                    break;
                case 2:
                    bytes.RemoveRange(at, random.Next(bytes.Count - at));
                    break;
                case 3:
                    bytes.InsertRange(at, bytes.GetRange(at, random.Next(bytes.Count - at)));
                    break;
                default:
                    bytes[at] = (byte)random.Next(256);
                    break;
            }
        }

        return [.. bytes];
    }

    private string Text(int length)
    {
        var text = new StringBuilder(length);
        for (var i = 0; i < length; i++)
        {
            text.Append(random.Next(8) switch
            {
                0 => "\\u" + random.Next(0x10000).ToString("x4", CultureInfo.InvariantCulture),
                1 => "é",
                _ => ((char)random.Next('a', 'z' + 1)).ToString(),
            });
        }

        return text.ToString();
    }

    private static string Deep(int depth) => string.Concat(Enumerable.Repeat("[", depth)) + string.Concat(Enumerable.Repeat("]", depth));
}
