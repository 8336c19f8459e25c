using System.CommandLine;
using DChat.Client;
using DChat.Client.Sessions;
using DChat.Protocol;
using DChat.Terminal.Invocation;
using DChat.Terminal.Output;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Accounts;

/// <summary><c>register</c>, <c>login</c>, <c>logout</c>, <c>whoami</c>, <c>tokens</c>.</summary>
internal static class AccountVerbs
{
    private const string PasswordHelp = "The password is asked for without echo, read from standard input where that is redirected, or taken from DCHAT_PASSWORD.";

    private static readonly Argument<string?> Name = new("name") { Description = "The account's name. Or --user.", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<string?> DisplayName = new("--display-name") { Description = "How others see it.", HelpName = "NAME" };
    private static readonly Option<string?> Invitation = new("--invitation") { Description = "A registration code, where the server asks for one.", HelpName = "CODE" };
    private static readonly Option<bool> Token = new("--token") { Description = "Sign in with an API token (a bot's) instead of a password; it is read as a password would be." };

    private static readonly Option<string?> NewToken = new("--create") { Description = "Make one of this name, and print it: it is shown this once.", HelpName = "NAME" };
    private static readonly Option<string?> EndedToken = new("--end") { Description = "End the one with this id.", HelpName = "ID" };

    public static IEnumerable<Command> All()
    {
        yield return Verb.Create("register", $"Make an account and sign in with it. {PasswordHelp}", "dchat register alice --server http://localhost:8080", [Name, DisplayName, Invitation], RegisterAsync);
        yield return Verb.Create("login", $"Sign in; the session is kept until you log out. {PasswordHelp}", "dchat login alice\necho \"$SECRET\" | dchat login bot --server https://chat.example.org", [Name, Token], LoginAsync);
        yield return Verb.Create("logout", "End the session, here and at the server.", "dchat logout", [], LogoutAsync);
        yield return Verb.Create("whoami", "Show who is signed in, and where.", "dchat whoami", [], WhoAmIAsync);
        yield return Verb.Create("tokens", "List, make and end the account's API tokens, with which bots sign in.", "dchat tokens\nDCHAT_TOKEN=$(dchat tokens --create echo-bot) dotnet run --project docs/examples/echo-bot\ndchat tokens --end ID", [NewToken, EndedToken], TokensAsync);
    }

    private static Task RegisterAsync(VerbContext context, CancellationToken cancel) => SignInAsync(
        context,
        async (client, user) => await client.Account.RegisterAsync(
            user,
            PasswordInput.Read($"Password for {SafeText.Clean(user)}: ", confirm: true),
            context.Parsed.GetValue(DisplayName),
            context.Parsed.GetValue(Invitation),
            cancel),
        cancel);

    private static Task LoginAsync(VerbContext context, CancellationToken cancel) => context.Parsed.GetValue(Token)
        ? SignInAsync(context, async (client, _) => await client.Account.UseTokenAsync(PasswordInput.Read("Token: "), cancel), cancel, needsName: false)
        : SignInAsync(context, async (client, user) => await client.Account.LoginAsync(user, PasswordInput.Read($"Password for {SafeText.Clean(user)}: "), cancel), cancel);

    private static async Task SignInAsync(VerbContext context, Func<ChatClient, string, Task> signIn, CancellationToken cancel, bool needsName = true)
    {
        var user = context.Parsed.GetValue(Name) ?? context.User
            ?? (needsName ? throw new UsageException($"Name the account: dchat {context.Parsed.CommandResult.Command.Name} NAME") : "");
        var store = new MemorySessionStore();
        await using var client = context.FreshClient(store);
        await signIn(client, user);
        var session = (await store.LoadAsync(cancel))!;
        await context.KeepAsync(session, cancel);
        context.Print.Result(new { user = session.User, server = context.Server }, () => $"Signed in as {SafeText.Clean(session.User)} at {context.Server}");
    }

    private static async Task LogoutAsync(VerbContext context, CancellationToken cancel)
    {
        await using var client = context.Client();
        try
        {
            await client.Account.LogoutAsync(cancel);
        }
        catch (ChatException e) when (e.Code != ErrorCodes.NotSignedIn)
        {
            context.ForgetUser();
            throw new ChatException(e.Code, $"You are signed out here, but the server was not told: {e.Message}", e.RetryAfter, e);
        }

        context.ForgetUser();
        context.Print.Result(new { user = context.User, server = context.Server }, () => $"Signed out {SafeText.Clean(context.User)} at {context.Server}");
    }

    private static async Task WhoAmIAsync(VerbContext context, CancellationToken cancel)
    {
        await using var client = context.Client();
        var me = await client.Account.MeAsync(cancel);
        context.Print.Result(
            new { me.User, me.DisplayName, me.Roles, server = context.Server },
            () => $"{SafeText.Clean(me.User)} ({SafeText.Clean(me.DisplayName)}){(me.Roles.Count > 0 ? $" [{string.Join(", ", me.Roles.Select(SafeText.Clean))}]" : "")} at {context.Server}");
    }

    private static async Task TokensAsync(VerbContext context, CancellationToken cancel)
    {
        await using var client = context.Client();
        if (context.Parsed.GetValue(NewToken) is { } name)
        {
            var made = await client.Account.CreateTokenAsync(name, cancel);
            context.Print.Result(made, () => SafeText.Clean(made.Token));
        }
        else if (context.Parsed.GetValue(EndedToken) is { } id)
        {
            await client.Account.EndTokenAsync(id, cancel);
            context.Print.Result(new { id }, () => $"Ended {SafeText.Clean(id)}");
        }
        else
        {
            foreach (var token in await client.Account.ListTokensAsync(cancel))
            {
                context.Print.Result(token, () => $"{SafeText.Clean(token.Id)}  {SafeText.Clean(token.Name)}  {context.Print.Dim(MessageText.Time(token.CreatedAt, TimeZoneInfo.Local))}");
            }
        }
    }
}
