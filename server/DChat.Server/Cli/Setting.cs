using System.Globalization;
using System.Text;

namespace DChat.Server.Cli;

/// <summary>One thing that can be configured: how it is called in each place, what it means, how it is read and written.</summary>
/// <param name="Key">As it stands in the file: <c>limits.sendBurst</c>. Flag and environment variable follow from it.</param>
/// <param name="Group">The heading under which the help lists it.</param>
/// <param name="Expected">What a right value looks like, for the error about a wrong one.</param>
/// <param name="About">What it does; for the help.</param>
/// <param name="Show">Its value in text.</param>
/// <param name="Set">Puts a value given as text; throws <see cref="FormatException"/> where the text is none.</param>
public sealed record Setting(
    string Key,
    string Group,
    string Expected,
    string About,
    Func<ServerOptions, string> Show,
    Func<ServerOptions, string, ServerOptions> Set)
{
    /// <summary>Never shown, and never taken from a flag, which every user of the machine could read.</summary>
    public bool Secret { get; init; }

    /// <summary><c>--limits-send-burst</c>.</summary>
    public string Flag { get; } = "--" + Kebab(Key);

    /// <summary><c>DCHAT__LIMITS__SENDBURST</c>.</summary>
    public string Variable { get; } = Settings.VariablePrefix + Key.Replace(".", "__", StringComparison.Ordinal).ToUpperInvariant();

    public static Setting Number(
        string key, string group, string about, int min, int max, Func<ServerOptions, int> show, Func<ServerOptions, int, ServerOptions> set) => new(
            key,
            group,
            string.Create(CultureInfo.InvariantCulture, $"a whole number from {min} to {max}"),
            about,
            options => show(options).ToString(CultureInfo.InvariantCulture),
            (options, text) => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max
                ? set(options, value)
                : throw new FormatException())
        {
            Placeholder = "N",
        };

    public static Setting Bytes(
        string key, string group, string about, long min, long max, Func<ServerOptions, long> show, Func<ServerOptions, long, ServerOptions> set) => new(
            key,
            group,
            $"bytes from {ByteSize.Format(min)} to {ByteSize.Format(max)}, such as 65536, 64KiB or 25MiB",
            about,
            options => ByteSize.Format(show(options)),
            (options, text) => ByteSize.TryParse(text, out var value) && value >= min && value <= max
                ? set(options, value)
                : throw new FormatException())
        {
            Placeholder = "SIZE",
        };

    public static Setting Choice<T>(
        string key, string group, string about, Func<ServerOptions, T> show, Func<ServerOptions, T, ServerOptions> set)
        where T : struct, Enum
    {
        var names = Enum.GetNames<T>().Select(name => Kebab(char.ToLowerInvariant(name[0]) + name[1..])).ToArray();
        return new Setting(
            key,
            group,
            string.Join(", ", names[..^1]) + " or " + names[^1],
            about,
            options => names[Array.IndexOf(Enum.GetValues<T>(), show(options))],
            (options, text) => names.Contains(text.ToLowerInvariant(), StringComparer.Ordinal)
                ? set(options, Enum.Parse<T>(text.Replace("-", "", StringComparison.Ordinal), ignoreCase: true))
                : throw new FormatException())
        {
            Placeholder = string.Join('|', names),
        };
    }

    /// <summary>What stands for the value in the help.</summary>
    public string Placeholder { get; init; } = "VALUE";

    private static string Kebab(string key)
    {
        var text = new StringBuilder();
        foreach (var letter in key)
        {
            if (letter == '.')
            {
                text.Append('-');
            }
            else if (char.IsUpper(letter))
            {
                text.Append('-').Append(char.ToLowerInvariant(letter));
            }
            else
            {
                text.Append(letter);
            }
        }

        return text.ToString();
    }
}
