using System.Globalization;

namespace DChat.Server.Cli;

/// <summary>Sizes as people write them: <c>512</c>, <c>64KiB</c>, <c>25MiB</c>, <c>1GiB</c>.</summary>
internal static class ByteSize
{
    private static readonly (string Suffix, long Factor)[] Units = [("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30)];

    public static bool TryParse(string text, out long bytes)
    {
        var factor = 1L;
        foreach (var unit in Units)
        {
            if (text.EndsWith(unit.Suffix, StringComparison.OrdinalIgnoreCase))
            {
                text = text[..^unit.Suffix.Length].TrimEnd();
                factor = unit.Factor;
                break;
            }
        }

        var read = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= long.MaxValue / factor;
        bytes = read ? number * factor : 0;
        return read;
    }

    public static string Format(long bytes)
    {
        for (var i = Units.Length - 1; i >= 0; i--)
        {
            if (bytes >= Units[i].Factor && bytes % Units[i].Factor == 0)
            {
                return string.Create(CultureInfo.InvariantCulture, $"{bytes / Units[i].Factor}{Units[i].Suffix}");
            }
        }

        return bytes.ToString(CultureInfo.InvariantCulture);
    }
}
