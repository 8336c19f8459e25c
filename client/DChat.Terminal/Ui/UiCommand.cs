using System.CommandLine;
using DChat.Terminal.Invocation;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary><c>dchat</c> without a verb: the full screen.</summary>
internal static class UiCommand
{
    public static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        if (!SystemTerminal.IsAvailable)
        {
            Console.Error.WriteLine("dchat: A verb is missing, and there is no terminal to show a screen on.\nTry: dchat --help");
            return ExitCodes.Usage;
        }

        var time = TimeProvider.System;
        try
        {
            var profile = parsed.GetValue(GlobalOptions.Profile) ?? NonEmpty("DCHAT_PROFILE");
            var sessions = SavedSessions.OfThisUser(profile);
            var (settings, settingsProblem) = UiSettings.Load(SavedSessions.UserFolder());
            var (keymap, keysProblem) = Keymap.With(settings.Keys);
            await using var terminal = SystemTerminal.Open(time);
            var shell = new UiShell(terminal, time);
            await using var runner = new EffectRunner(terminal, sessions, settings, time, shell.Tell, shell.Wake);
            var server = parsed.GetValue(GlobalOptions.Server) ?? NonEmpty("DCHAT_SERVER");
            var user = parsed.GetValue(GlobalOptions.User) ?? NonEmpty("DCHAT_USER");
            var (address, account) = runner.SignIns.Resolve(server, user);
            var known = account is not null && await runner.SignIns.HasSessionAsync(address, account, cancel);
            var first = new Model
            {
                Size = terminal.Size,
                Settings = settings,
                Keymap = keymap,
                Theme = Themes.For(settings.Theme, terminal.Abilities),
                Now = time.GetUtcNow(),
                LastKeyAt = time.GetUtcNow(),
                Zone = TimeZoneInfo.Local,
                Start = runner.SignIns.Form(server, user),
            };
            if (known)
            {
                first = Incoming.SignedIn(first, account!, address, Memory.Load(Account.MemoryPath(sessions, address, account!))).Model;
            }

            if ((settingsProblem ?? keysProblem) is { } problem)
            {
                first = first.Say(SafeText.Clean(problem), bad: true);
            }

            await shell.RunAsync(first, runner, known ? [new Effect.Resume(address, account!)] : [new Effect.Probe(first.Start!.Text(StartForm.Server))], cancel);
            return ExitCodes.Ok;
        }
        catch (UsageException e)
        {
            Console.Error.WriteLine($"dchat: {SafeText.Clean(e.Message)}");
            return ExitCodes.Usage;
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            return ExitCodes.Interrupted;
        }
    }

    private static string? NonEmpty(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? value : null;
}
