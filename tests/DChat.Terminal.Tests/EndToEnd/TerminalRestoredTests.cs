using System.Globalization;
using System.Runtime.InteropServices;
using DChat.TestKit;

namespace DChat.Terminal.Tests.EndToEnd;

/// <summary>However the client ends, the shell finds its terminal as it was.</summary>
public sealed class TerminalRestoredTests(ScreenServer server) : IClassFixture<ScreenServer>
{
    private const int Hangup = 1;
    private const int Interrupt = 2;
    private const int Quit = 3;
    private const int Terminate = 15;
    private static int looks;

    [Fact]
    public async Task After_quitting() => await AssertRestoredAsync(person => person.Terminal.PressAsync("C-q"));

    [Theory]
    [InlineData(Terminate)]
    [InlineData(Interrupt)]
    [InlineData(Hangup)]
    [InlineData(Quit)]
    public async Task After_a_signal(int signal) => await AssertRestoredAsync(async person => Assert.Equal(0, Kill(await person.Terminal.ProgramIdAsync(), signal)));

    [Fact]
    public async Task After_an_exception_that_nobody_caught()
    {
        await using var ann = await Person.ArriveAsync(server.Unique("ann"), server.Address, environment: [(StartupHook.Variable, typeof(StartupHook).Assembly.Location), (StartupHook.CrashFile, "crash")]);
        var before = await StateAsync(ann);
        await ann.RegisterAsync();
        Assert.Equal("1", await ann.Terminal.FormatAsync("#{alternate_on}"));
        await File.WriteAllTextAsync(Path.Combine(ann.Terminal.Folder, "crash"), "");
        await ann.Terminal.ShowsAsync(StartupHook.Message);
        Assert.Equal(before, await StateAsync(ann));
    }

    [Fact]
    public async Task While_it_is_suspended_and_after_it_came_back()
    {
        await using var ann = await Person.ArriveAsync(server.Unique("ann"), server.Address);
        var before = await StateAsync(ann);
        var title = await ann.Terminal.FormatAsync("#{pane_title}");
        await ann.RegisterAsync();
        await ann.Terminal.PressAsync("C-z");
        await ann.Terminal.ShowsAsync("Stopped");
        Assert.Equal(before, await StateAsync(ann));
        await ann.TypeLineAsync("clear; printf '\\033]2;of the shell\\007'; fg");
        await ann.Terminal.ShowsAsync("● online");
        await ann.AssertWholeAsync();
        Assert.Equal("d-chat", await ann.Terminal.FormatAsync("#{pane_title}"));
        await ann.Terminal.PressAsync("C-z");
        await ann.Terminal.ShowsAsync("Stopped");
        Assert.Contains("of the shell", await ann.Terminal.FormatAsync("#{pane_title}"), StringComparison.Ordinal);
        await ann.TypeLineAsync($"clear; printf '\\033]2;{title}\\007'; fg");
        await ann.Terminal.ShowsAsync("● online");

        // From outside, as a shell's kill does.
        Assert.Equal(0, Kill(await ann.Terminal.ProgramIdAsync(), OperatingSystem.IsMacOS() ? 18 : 20));
        await ann.Terminal.ShowsAsync("Stopped");
        Assert.Equal(before, await StateAsync(ann));
        await ann.TypeLineAsync("clear; fg");
        await ann.Terminal.ShowsAsync("● online");
        await ann.Terminal.PressAsync("C-q");
        await ann.Terminal.ShowsAsync("shell>");
        Assert.Equal(before, await StateAsync(ann));
    }

    private async Task AssertRestoredAsync(Func<Person, Task> end)
    {
        await using var ann = await Person.ArriveAsync(server.Unique("ann"), server.Address);
        var before = await StateAsync(ann);
        await ann.RegisterAsync();
        Assert.Equal("1", await ann.Terminal.FormatAsync("#{alternate_on}"));
        await end(ann);
        Assert.Equal(before, await StateAsync(ann));
    }

    /// <summary>All that a program may have changed: the driver's modes, as the shell finds them, and the terminal's own.</summary>
    private static async Task<string> StateAsync(Person person)
    {
        await person.Terminal.ScreenIsAsync(screen => screen.TrimEnd().EndsWith("shell>", StringComparison.Ordinal), "the shell is back");
        // A mark of its own each time: what an earlier look wrote may be on the screen again.
        var mark = Interlocked.Increment(ref looks);
        await person.TypeLineAsync(string.Create(CultureInfo.InvariantCulture, $"stty -g > modes; clear; echo look$(({mark} + 0))."));
        await person.Terminal.ShowsAsync(string.Create(CultureInfo.InvariantCulture, $"look{mark}."));
        var modes = await File.ReadAllTextAsync(Path.Combine(person.Terminal.Folder, "modes"));
        Assert.NotEqual("", modes);
        return modes + await person.Terminal.FormatAsync("#{alternate_on} #{cursor_flag} #{keypad_cursor_flag} #{mouse_any_flag} #{mouse_sgr_flag} #{wrap_flag} #{pane_title}");
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int Kill(int processId, int signal);
}
