using System.Diagnostics;
using System.Globalization;
using System.Text;
using DChat.TestKit;

namespace DChat.Terminal.Tests.EndToEnd;

/// <summary>A shell in a real terminal (tmux, with a server of its own), typed into and looked at as a person would.</summary>
internal sealed class Tmux : IAsyncDisposable
{
    private static readonly TimeSpan Limit = Eventually.DefaultLimit;
    private readonly TemporaryFolder folder = new();

    private Tmux()
    {
    }

    /// <summary>A folder that is removed at the end; the shell begins in it.</summary>
    public string Folder => folder.Path;

    public static async Task<Tmux> StartAsync(int width, int height, IReadOnlyDictionary<string, string> environment)
    {
        var tmux = new Tmux();
        var variables = environment
            .Append(new("PS1", "shell> "))
            .Append(new("LC_ALL", "C.UTF-8"))
            .Append(new("XDG_CONFIG_HOME", tmux.Folder))
            .SelectMany(v => new[] { "-e", $"{v.Key}={v.Value}" });
        await File.WriteAllTextAsync(Path.Combine(tmux.Folder, "tmux.conf"), """
            set -g status off
            set -g focus-events on
            set -g history-limit 0
            set -s escape-time 0
            """);
        await tmux.RunAsync([
            "new-session", "-d", "-x", Text(width), "-y", Text(height), "-c", tmux.Folder, .. variables,
            "env", "-u", "DCHAT_SERVER", "-u", "DCHAT_USER", "-u", "DCHAT_PASSWORD", "-u", "NO_COLOR", "bash", "--norc", "--noprofile", "-i",
        ]);
        await tmux.ShowsAsync("shell>");
        return tmux;
    }

    /// <summary>A new shell on a cleared terminal.</summary>
    public async Task RenewAsync()
    {
        await RunAsync(["respawn-pane", "-k"]);
        await ShowsAsync("shell>");
    }

    public Task TypeAsync(string text) => RunAsync(["send-keys", "-l", "--", text]);

    /// <param name="keys">As tmux names them: <c>Enter</c>, <c>C-k</c>, <c>M-Up</c>, <c>PageUp</c>, <c>F1</c>.</param>
    public Task PressAsync(params string[] keys) => RunAsync(["send-keys", .. keys]);

    /// <summary>Presses and releases the left button.</summary>
    public async Task ClickAsync(int x, int y)
    {
        var place = string.Create(CultureInfo.InvariantCulture, $"{x + 1};{y + 1}");
        await SendAsync($"\e[<0;{place}M");
        await SendAsync($"\e[<0;{place}m");
    }

    public async Task WheelUpAsync(int x, int y, int times)
    {
        for (var i = 0; i < times; i++)
        {
            await SendAsync(string.Create(CultureInfo.InvariantCulture, $"\e[<64;{x + 1};{y + 1}M"));
        }
    }

    /// <summary>As a terminal pastes: bracketed where the program asked for it.</summary>
    public async Task PasteAsync(string text)
    {
        await RunAsync(["set-buffer", "--", text]);
        await RunAsync(["paste-buffer", "-p", "-r"]);
    }

    public Task ResizeAsync(int width, int height) => RunAsync(["resize-window", "-x", Text(width), "-y", Text(height)]);

    /// <param name="styles">With the sequences that set colours and attributes.</param>
    public async Task<string> ScreenAsync(bool styles = false) => await RunAsync(styles ? ["capture-pane", "-p", "-e"] : ["capture-pane", "-p"]);

    public async Task<string> FormatAsync(string format) => (await RunAsync(["display-message", "-p", format])).TrimEnd('\n');

    public Task ShowsAsync(string text, TimeSpan? limit = null) => ScreenIsAsync(screen => screen.Contains(text, StringComparison.Ordinal), $"'{text}' is shown", limit);

    public Task HidesAsync(string text, TimeSpan? limit = null) => ScreenIsAsync(screen => !screen.Contains(text, StringComparison.Ordinal), $"'{text}' is not shown", limit);

    /// <summary>Waits for a screen, and fails with the last one.</summary>
    public async Task ScreenIsAsync(Func<string, bool> condition, string what, TimeSpan? limit = null)
    {
        var last = "";
        try
        {
            await Eventually.Holds(async () => condition(last = await ScreenAsync()), limit ?? Limit);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"it did not come true that {what}; the screen:\n{last}");
        }
    }

    /// <summary>The process that the shell runs.</summary>
    public async Task<int> ProgramIdAsync()
    {
        var shell = await FormatAsync("#{pane_pid}");
        var children = "";
        await Eventually.Holds(() => (children = File.ReadAllText($"/proc/{shell}/task/{shell}/children").Trim()).Length > 0);
        return int.Parse(children.Split(' ')[^1], CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        // Its programs end with it; until they have, they may write into the folder.
        var shell = await FormatAsync("#{pane_pid}");
        var programs = (await File.ReadAllTextAsync($"/proc/{shell}/task/{shell}/children")).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        await RunAsync(["kill-server"]);
        await Eventually.Holds(() => programs.All(program => !Directory.Exists($"/proc/{program}")));
        folder.Dispose();
    }

    private Task<string> SendAsync(string sequence) => RunAsync(["send-keys", "-H", .. Encoding.UTF8.GetBytes(sequence).Select(b => b.ToString("x2", CultureInfo.InvariantCulture))]);

    private async Task<string> RunAsync(string[] arguments)
    {
        var start = new ProcessStartInfo("tmux", ["-u", "-S", folder["tmux"], "-f", folder["tmux.conf"], .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
        };
        start.Environment.Remove("TMUX");
        start.Environment["LC_ALL"] = "C.UTF-8";
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().Within(Limit);
        Assert.True(process.ExitCode == 0, $"tmux {string.Join(' ', arguments)}: {await error.Within(Limit)}");
        return await output.Within(Limit);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
