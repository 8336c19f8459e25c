using System.Globalization;
using DChat.TestKit;

namespace DChat.Terminal.Tests.EndToEnd;

/// <summary>The server is killed while people write.</summary>
public sealed class ServerLossTests : IAsyncLifetime
{
    private readonly ScreenServer server = new();

    public Task InitializeAsync() => server.InitializeAsync();

    public Task DisposeAsync() => server.DisposeAsync();

    [Fact]
    public async Task Nothing_is_lost_or_doubled_and_typing_goes_on_meanwhile()
    {
        var room = server.Unique("garden");
        using var robot = await server.RobotAsync(room);
        await using var ann = await Person.ChattingAsync(server.Unique("ann"), server.Address, [room]);
        await using var bob = await Person.ChattingAsync(server.Unique("bob"), server.Address, [room]);
        await ann.GoToAsync(room);
        await bob.GoToAsync(room);
        List<string> bodies = [];

        await SayAsync(1, 5);
        await server.Process.KillAsync();
        await ann.Terminal.ShowsAsync("○ offline");
        await SayAsync(6, 10);
        await ann.Terminal.ShowsAsync("unsent");
        await ann.Terminal.TypeAsync("half a line");
        await ann.Terminal.ShowsAsync("half a line");
        await server.Process.RestartAsync();
        await ann.Terminal.ShowsAsync("● online", TimeSpan.FromSeconds(60));
        await bob.Terminal.ShowsAsync("● online", TimeSpan.FromSeconds(60));
        await ann.Terminal.HidesAsync("unsent");
        await ann.Terminal.ShowsAsync("half a line");
        await ann.Terminal.PressAsync("C-u");
        await SayAsync(11, 15);
        await ann.Terminal.ShowsAsync("bob 15");
        await bob.Terminal.ShowsAsync("ann 15");

        await Eventually.Holds(async () => (await robot.ReadAllAsync()).Count == bodies.Count);
        var all = await robot.ReadAllAsync();
        foreach (var (person, said) in new[] { (ann, "ann "), (bob, "bob ") })
        {
            Assert.Equal(bodies.Where(body => body.StartsWith(said, StringComparison.Ordinal)), all.Where(m => m.Author == person.Name).Select(m => m.Body));
        }

        foreach (var person in new[] { ann, bob })
        {
            var screen = await person.Terminal.ScreenAsync();
            Assert.Equal(all.Select(m => m.Body).TakeLast(15), screen.Split('\n').Select(Said).OfType<string>().TakeLast(15));
            await person.AssertWholeAsync();
        }

        async Task SayAsync(int from, int to)
        {
            for (var i = from; i <= to; i++)
            {
                foreach (var (person, said) in new[] { (ann, "ann"), (bob, "bob") })
                {
                    bodies.Add(string.Create(CultureInfo.InvariantCulture, $"{said} {i}"));
                    await person.TypeLineAsync(bodies[^1]);
                }
            }
        }
    }

    [Fact]
    public async Task What_was_typed_and_not_sent_outlives_a_killed_client()
    {
        var room = server.Unique("garden");
        using var robot = await server.RobotAsync(room);
        await using var ann = await Person.ChattingAsync(server.Unique("ann"), server.Address, [room]);
        await ann.GoToAsync(room);
        await server.Process.KillAsync();
        await ann.Terminal.ShowsAsync("○ offline");
        await ann.TypeLineAsync("sent while offline");
        await ann.Terminal.ShowsAsync("1 unsent");
        await ann.Terminal.TypeAsync("a thought that is not finished");
        await ann.Terminal.ShowsAsync("not finished");
        await Eventually.Holds(() => Directory.EnumerateFiles(ann.Terminal.Folder, "*", SearchOption.AllDirectories).Any(file => Path.GetFileName(file) != "tmux.conf" && Read(file).Contains("not finished", StringComparison.Ordinal)));
        await ann.KillAsync();
        await server.Process.RestartAsync();
        await ann.StartAsync();
        await ann.Terminal.ShowsAsync("● online", TimeSpan.FromSeconds(60));
        await ann.Terminal.ShowsAsync("a thought that is not finished");
        await Eventually.Holds(async () => (await robot.ReadAllAsync()).Select(m => m.Body).SequenceEqual(["sent while offline"]));
    }

    private static string Read(string file) => File.Exists(file) && new FileInfo(file).UnixFileMode.HasFlag(UnixFileMode.UserRead) && file.EndsWith("json", StringComparison.Ordinal) ? File.ReadAllText(file) : "";

    /// <summary>The message that a row of the screen shows.</summary>
    private static string? Said(string row)
    {
        var found = System.Text.RegularExpressions.Regex.Match(row, "(ann|bob) [0-9]+(?= |$|│)", System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(1));
        return found.Success ? found.Value : null;
    }
}
