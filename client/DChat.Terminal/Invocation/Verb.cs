using System.CommandLine;
using DChat.Client;
using DChat.Protocol;
using DChat.Terminal.Output;

namespace DChat.Terminal.Invocation;

/// <summary>Makes a command of a verb, and exit codes and clear errors of what goes wrong in it.</summary>
internal static class Verb
{
    /// <param name="example">One or more lines that can be typed as they stand.</param>
    /// <param name="run">Does it; an exception decides the exit code.</param>
    public static Command Create(string name, string description, string example, IEnumerable<Symbol> parts, Func<VerbContext, CancellationToken, Task> run)
    {
        var command = new VerbCommand(name, description, example);
        foreach (var part in parts)
        {
            if (part is Argument argument)
            {
                command.Arguments.Add(argument);
            }
            else
            {
                command.Options.Add((Option)part);
            }
        }

        command.SetAction((parsed, cancel) => RunAsync(parsed, run, cancel));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, Func<VerbContext, CancellationToken, Task> run, CancellationToken cancel)
    {
        using var print = Printer.ForConsole(parsed.GetValue(GlobalOptions.Json));
        VerbContext? context = null;
        try
        {
            context = new VerbContext(parsed, print, SavedSessions.OfThisUser(parsed.GetValue(GlobalOptions.Profile) ?? (Environment.GetEnvironmentVariable("DCHAT_PROFILE") is { Length: > 0 } profile ? profile : null)));
            await run(context, cancel);
            return ExitCodes.Ok;
        }
        catch (ChatException e)
        {
            print.Error(e.Code, Explain(e, context));
            return ExitCodeOf(e.Code);
        }
        catch (UsageException e)
        {
            print.Error(ErrorCodes.InvalidArgument, e.Message);
            return ExitCodes.Usage;
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            return ExitCodes.Interrupted;
        }
        catch (IOException) when (IsOutputGone(print))
        {
            // Whoever read the output has seen enough (dchat tail | head).
            return ExitCodes.Ok;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or TimeoutException)
        {
            print.Error("local_file", e.Message);
            return ExitCodes.Usage;
        }
        catch (Exception e)
        {
            print.Error("internal", $"This is a defect of dchat: {e}");
            return ExitCodes.Internal;
        }
    }

    public static int ExitCodeOf(string code) => code switch
    {
        ErrorCodes.NotSignedIn or ErrorCodes.BadToken => ExitCodes.NotSignedIn,
        ClientErrorCodes.Unreachable or ClientErrorCodes.Uncertain or ClientErrorCodes.ProtocolError or ErrorCodes.Unavailable => ExitCodes.Unreachable,
        _ => ExitCodes.Refused,
    };

    private static string Explain(ChatException e, VerbContext? context)
    {
        var user = context?.User ?? "NAME";
        return e.Code switch
        {
            ErrorCodes.NotSignedIn or ErrorCodes.BadToken =>
                $"You are not signed in at {context?.Server}. Sign in: dchat login {user} --server {context?.Server} (or make an account: dchat register {user})",
            ErrorCodes.NotMember => $"{e.Message} Join first: dchat join ROOM",
            ErrorCodes.RateLimited or ErrorCodes.SlowMode when e.RetryAfter is { } wait => $"{e.Message} Try again in {Math.Ceiling(wait.TotalSeconds):0} s.",
            _ => e.Message,
        };
    }

    private static bool IsOutputGone(Printer print)
    {
        try
        {
            print.Write("");
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }
}

/// <summary>A command with lines to learn it by, which its own help shows.</summary>
internal sealed class VerbCommand(string name, string description, string example) : Command(name, description)
{
    public string Example { get; } = example;
}
