using System.Text;

namespace DChat.Terminal.Invocation;

/// <summary>
/// Where passwords come from: a variable of the environment, standard input where it is redirected, else the keyboard, without echo. Never a
/// flag, which others could read in the process list.
/// </summary>
internal static class PasswordInput
{
    /// <summary>Holds the password of an account.</summary>
    public const string AccountVariable = "DCHAT_PASSWORD";

    /// <summary>Holds the password of a room: another variable, so that a room never gets the password of an account.</summary>
    public const string RoomVariable = "DCHAT_ROOM_PASSWORD";

    /// <param name="confirm">Ask twice at the keyboard, because it is a new one.</param>
    public static string Read(string prompt, bool confirm = false, string variable = AccountVariable)
    {
        if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } given)
        {
            return given;
        }

        if (Console.IsInputRedirected)
        {
            return Console.In.ReadLine() is { Length: > 0 } line
                ? line
                : throw new UsageException($"A password is expected on standard input or in {variable}.");
        }

        var password = Ask(prompt);
        if (confirm && Ask("Once more: ") != password)
        {
            throw new UsageException("The two passwords differ.");
        }

        return password;
    }

    private static string Ask(string prompt)
    {
        // Asking for a waiting key turns the terminal's echo off, before the prompt: what is typed as soon as it shows is not echoed.
        _ = Console.KeyAvailable;
        Console.Error.Write(prompt);
        var typed = new StringBuilder();
        while (true)
        {
            var key = Console.ReadKey(intercept: true);
            switch (key.Key)
            {
                case ConsoleKey.Enter:
                    Console.Error.WriteLine();
                    return typed.ToString();
                case ConsoleKey.Backspace when typed.Length > 0:
                    typed.Length--;
                    break;
                default:
                    if (!char.IsControl(key.KeyChar))
                    {
                        typed.Append(key.KeyChar);
                    }

                    break;
            }
        }
    }
}
