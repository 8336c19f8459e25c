using System.Diagnostics;
using DChat.Terminal.Tests.LineMode;
using DChat.TestKit;

namespace DChat.Terminal.Tests.EndToEnd;

/// <summary>Somebody at a terminal with <c>dchat</c> on its screen.</summary>
internal sealed class Person : IAsyncDisposable
{
    public const string Password = "a long and good password";

    private static readonly string Binary = ServerBinary.Built("client/DChat.Terminal", "dchat");

    private Person(string name, string server, Tmux terminal) => (Name, Server, Terminal) = (name, server, terminal);

    public string Name { get; }

    public string Server { get; }

    public Tmux Terminal { get; }

    /// <summary>A terminal with a shell, in which nothing runs yet.</summary>
    public static async Task<Person> ArriveAsync(string name, string server, int width = 100, int height = 30, params (string Name, string Value)[] environment) =>
        new(name, server, await Tmux.StartAsync(width, height, environment.ToDictionary(v => v.Name, v => v.Value)));

    /// <summary>Has an account, is a member of rooms, and looks at the screen.</summary>
    public static async Task<Person> ChattingAsync(string name, string server, string[] rooms, int width = 100, int height = 30)
    {
        var person = await ArriveAsync(name, server, width, height);
        await person.RunVerbAsync("register", name, "--server", server);
        foreach (var room in rooms)
        {
            await person.RunVerbAsync("join", room);
        }

        await person.StartAsync();
        await person.Terminal.ShowsAsync("● online");
        return person;
    }

    /// <summary>Types the command into the shell.</summary>
    public Task StartAsync(string arguments = "") => TypeLineAsync($"{Binary} {arguments}");

    /// <summary>Makes the account on the start screen, and waits until it is signed in.</summary>
    public async Task RegisterAsync()
    {
        await StartAsync($"--server {Server}");
        await Terminal.ShowsAsync("I am new here");
        await Terminal.PressAsync("Down", "Down", "Down", "Enter");
        await Terminal.ShowsAsync("Once more");
        await Terminal.TypeAsync(Name);
        await Terminal.PressAsync("Tab");
        await Terminal.TypeAsync(Password);
        await Terminal.PressAsync("Tab");
        await Terminal.TypeAsync(Password);
        await Terminal.PressAsync("Tab", "Enter");
        await Terminal.ShowsAsync("● online");
    }

    public async Task TypeLineAsync(string text)
    {
        await Terminal.TypeAsync(text);
        await Terminal.PressAsync("Enter");
    }

    /// <summary>By the finder.</summary>
    public async Task GoToAsync(string room)
    {
        await Terminal.PressAsync("C-k");
        await Terminal.TypeAsync(room);
        await Terminal.PressAsync("Enter");
        await Terminal.ShowsAsync($"Message #{room}");
    }

    /// <summary>Ends the client as <c>kill -9</c> does, which leaves the terminal as it is; the person gets a new one.</summary>
    public async Task KillAsync()
    {
        using (var program = Process.GetProcessById(await Terminal.ProgramIdAsync()))
        {
            program.Kill();
            await program.WaitForExitAsync().Within();
        }

        await Terminal.RenewAsync();
    }

    /// <summary>The screen shows what a screen that is drawn anew shows: no cell is out of place.</summary>
    public async Task AssertWholeAsync()
    {
        var before = "";
        await Eventually.Holds(async () =>
        {
            before = await Terminal.ScreenAsync(styles: true);
            await Terminal.PressAsync("C-l");
            var after = await Terminal.ScreenAsync(styles: true);
            return before == after;
        }, what: "the screen is the same when it is drawn anew");
    }

    public async Task<string> RunVerbAsync(params string[] arguments)
    {
        var outcome = await DchatProcess.RunAsync(Terminal.Folder, arguments, environment: new Dictionary<string, string> { ["DCHAT_PASSWORD"] = Password });
        Assert.True(outcome.ExitCode == 0, $"dchat {string.Join(' ', arguments)}: {outcome.Error}");
        return outcome.Output;
    }

    public ValueTask DisposeAsync() => Terminal.DisposeAsync();
}
