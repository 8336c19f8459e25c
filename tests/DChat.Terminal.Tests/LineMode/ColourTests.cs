using System.Diagnostics;
using DChat.TestKit;

namespace DChat.Terminal.Tests.LineMode;

/// <summary>The real <c>dchat</c> on a terminal of its own, made by <c>script</c> (util-linux).</summary>
public sealed class ColourTests(LineModeServer server) : IClassFixture<LineModeServer>, IDisposable
{
    private readonly TemporaryFolder home = new();

    public void Dispose() => home.Dispose();

    [Fact]
    public async Task Colours_are_for_people_at_a_terminal_who_want_them()
    {
        var password = new Dictionary<string, string> { ["DCHAT_PASSWORD"] = DchatProcess.Password };
        Assert.Equal(0, (await DchatProcess.RunAsync(home.Path, ["register", "alice", "--server", server.Address], null, password)).ExitCode);
        Assert.Equal(0, (await DchatProcess.RunAsync(home.Path, ["create", "garden"])).ExitCode);
        Assert.Equal(0, (await DchatProcess.RunAsync(home.Path, ["send", "garden", "hello"])).ExitCode);

        Assert.Contains("\u001b[2m#1\u001b[0m", await OnTerminalAsync("tail garden", noColour: ""), StringComparison.Ordinal);
        Assert.Contains(" #1 alice: hello", await OnTerminalAsync("tail garden", noColour: "1"), StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b[", (await DchatProcess.RunAsync(home.Path, ["tail", "garden"])).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_password_is_asked_for_twice_and_never_echoed()
    {
        const string typed = "never to be seen";
        var shown = await OnTerminalAsync($"register bob --server {server.Address}", noColour: "1", input: [("Password", typed), ("Once more", typed)]);

        Assert.Contains("Signed in as bob", shown, StringComparison.Ordinal);
        Assert.DoesNotContain(typed, shown, StringComparison.Ordinal);
    }

    /// <param name="input">What to type, each when its prompt is seen.</param>
    private async Task<string> OnTerminalAsync(string command, string noColour, (string Prompt, string Typed)[]? input = null)
    {
        var binary = ServerBinary.Built("client/DChat.Terminal", "dchat");
        var start = new ProcessStartInfo("script", ["--quiet", "--return", "--command", $"{binary} {command}", "/dev/null"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.Environment["XDG_CONFIG_HOME"] = home.Path;
        start.Environment["NO_COLOR"] = noColour;
        start.Environment["TERM"] = "xterm";
        start.Environment.Remove("DCHAT_PASSWORD");
        using var process = Process.Start(start)!;
        try
        {
            var shown = "";
            var buffer = new char[4_096];
            var next = 0;
            int read;
            while ((read = await process.StandardOutput.ReadAsync(buffer).AsTask().Within()) > 0)
            {
                shown += new string(buffer, 0, read);
                if (input is not null && next < input.Length && shown.Contains(input[next].Prompt, StringComparison.Ordinal))
                {
                    await process.StandardInput.WriteAsync(input[next++].Typed + "\r");
                    await process.StandardInput.FlushAsync();
                }
            }

            await process.WaitForExitAsync().Within();
            return shown;
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}
