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
        await ann.Terminal.ShowsAsync("● online");
        await bob.Terminal.ShowsAsync("● online");
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
            await person.Terminal.ScreenIsAsync(screen => all.Select(m => m.Body).TakeLast(15).SequenceEqual(screen.Split('\n').Select(Said).OfType<string>().TakeLast(15)), $"the last of these is shown: {string.Join(", ", all.Select(m => m.Body))}");
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
    public async Task A_message_on_its_way_is_not_taken_for_sent_and_no_older_one_is_edited_in_its_place()
    {
        var room = server.Unique("garden");
        using var robot = await server.RobotAsync(room);
        await using var ann = await Person.ChattingAsync(server.Unique("ann"), server.Address, [room]);
        await ann.GoToAsync(room);
        await ann.TypeLineAsync("the older one");
        await ann.Terminal.ScreenIsAsync(screen => screen.Contains("the older one", StringComparison.Ordinal) && !screen.Contains('◌'), "the message is shown as sent");

        server.Process.Freeze();
        try
        {
            // All keys at once, as they come from a terminal that was busy.
            await ann.Terminal.TypeAsync("the newer one\r\e[A");
            await ann.Terminal.ShowsAsync("not sent yet");
            await ann.Terminal.ShowsAsync($"Message #{room}");
        }
        finally
        {
            server.Process.Thaw();
        }

        await ann.Terminal.ScreenIsAsync(screen => screen.Contains("the newer one", StringComparison.Ordinal) && !screen.Contains('◌'), "the message is shown as sent");
        await ann.Terminal.PressAsync("Up");
        await ann.TypeLineAsync(" again");
        await Eventually.Holds(async () => (await robot.ReadAllAsync()).Select(m => m.Body).SequenceEqual(["the older one", "the newer one again"]));
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
        await Eventually.Holds(() => IsKept(ann, "not finished") && IsKept(ann, "sent while offline"));
        await ann.KillAsync();
        await server.Process.RestartAsync();
        await ann.StartAsync();
        await ann.Terminal.ShowsAsync("● online");
        await ann.Terminal.ShowsAsync("a thought that is not finished");
        await Eventually.Holds(async () => (await robot.ReadAllAsync()).Select(m => m.Body).SequenceEqual(["sent while offline"]));
    }

    /// <summary>Whether a file of the person's holds the text.</summary>
    private static bool IsKept(Person person, string text)
    {
        try
        {
            return Directory.EnumerateFiles(person.Terminal.Folder, "*.json", SearchOption.AllDirectories).Any(file => File.ReadAllText(file).Contains(text, StringComparison.Ordinal));
        }
        catch (IOException)
        {
            return false; // The client has just put another file in its place.
        }
    }

    /// <summary>The message that a row of the screen shows.</summary>
    private static string? Said(string row)
    {
        var found = System.Text.RegularExpressions.Regex.Match(row, "(ann|bob) [0-9]+(?= |$|│)", System.Text.RegularExpressions.RegexOptions.None, Eventually.DefaultLimit);
        return found.Success ? found.Value : null;
    }
}
