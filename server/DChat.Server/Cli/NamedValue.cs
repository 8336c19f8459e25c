using System.CommandLine.Parsing;

namespace DChat.Server.Cli;

/// <summary>Values of a verb's flags: what is wrong with one is said in words, without a type of the program's.</summary>
internal static class NamedValue
{
    /// <param name="read">Null where it is no such value.</param>
    /// <param name="expected">What to give.</param>
    public static T? Read<T>(ArgumentResult given, Func<string, T?> read, string expected)
    {
        var text = given.Tokens.Count > 0 ? given.Tokens[0].Value : "";
        var value = read(text);
        if (value is null)
        {
            var flag = given.Parent is OptionResult option ? option.Option.Name : given.Argument.Name;
            given.AddError($"{flag} \"{text}\" is not {expected}.");
        }

        return value;
    }

    /// <summary>A whole number; what its bounds are is said by whoever answers.</summary>
    public static int WholeNumber(ArgumentResult given) =>
        Read<int?>(given, static text => int.TryParse(text, System.Globalization.NumberStyles.AllowLeadingSign, System.Globalization.CultureInfo.InvariantCulture, out var number) ? number : null, "a whole number") ?? 0;
}
