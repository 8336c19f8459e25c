using System.Globalization;
using DChat.TestKit;

namespace DChat.Terminal.Tests.EndToEnd;

/// <summary>The real client in real terminals against the real server, used by people who only know what the screen tells them.</summary>
public sealed class ChatScreenTests(ScreenServer server) : IClassFixture<ScreenServer>
{
    [Fact]
    public async Task Three_people_make_an_account_find_a_room_and_chat()
    {
        var (room, quiet) = (server.Unique("garden"), server.Unique("shed"));
        await using var ann = await Person.ArriveAsync(server.Unique("ann"), server.Address);
        await ann.RegisterAsync();
        await ann.Terminal.PressAsync("F5");
        await ann.Terminal.ShowsAsync("Make a room");
        await ann.Terminal.TypeAsync(room);
        await ann.Terminal.PressAsync("Enter");
        await ann.Terminal.TypeAsync("Tomatoes and more");
        await ann.Terminal.PressAsync("Enter", "Enter");
        await ann.Terminal.TypeAsync("let me in");
        await ann.Terminal.PressAsync("Enter");
        await ann.Terminal.ShowsAsync($"Message #{room}");
        await ann.Terminal.ShowsAsync("Tomatoes and more");

        await using var bob = await Person.ArriveAsync(server.Unique("bob"), server.Address, width: 80, height: 24);
        await bob.RegisterAsync();
        await bob.Terminal.PressAsync("F4");
        await bob.Terminal.ShowsAsync(room);
        await bob.Terminal.TypeAsync(room);
        await bob.Terminal.ScreenIsAsync(
            screen => Count(screen, room) == 2 && screen.Contains("password", StringComparison.Ordinal) && !screen.Contains("a moment", StringComparison.Ordinal), "the room is found by what was typed");
        await bob.Terminal.PressAsync("Enter");
        await bob.Terminal.ShowsAsync("This room asks for a password.");
        await bob.Terminal.TypeAsync("not this");
        await bob.Terminal.PressAsync("Enter");
        await bob.Terminal.ShowsAsync("That is not its password.");
        await bob.Terminal.TypeAsync("let me in");
        await bob.Terminal.PressAsync("Enter");
        await bob.Terminal.ShowsAsync($"Message #{room}");

        await bob.TypeLineAsync("hello from bob");
        await ann.Terminal.ShowsAsync("hello from bob");
        await ann.TypeLineAsync("hello from ann 👩‍👩‍👧 日本語");
        await bob.Terminal.ShowsAsync("hello from ann");

        // Cal comes, at a small terminal, by a command.
        await using var cal = await Person.ArriveAsync(server.Unique("cal"), server.Address, width: 60, height: 16);
        await cal.RegisterAsync();
        await cal.TypeLineAsync($"/join {room} let me in");
        await cal.Terminal.ShowsAsync($"Message #{room}");
        await cal.Terminal.ShowsAsync("hello from bob");
        await cal.TypeLineAsync("*three* of us");
        await ann.Terminal.ShowsAsync("three of us");
        await bob.Terminal.ShowsAsync("three of us");

        // Another room, and back: each shows its own messages, and the other one says that there is something new.
        await ann.TypeLineAsync($"/create {quiet}");
        await ann.Terminal.ShowsAsync("Make a room");
        await ann.Terminal.PressAsync("Enter", "Enter", "Enter", "Enter");
        await ann.Terminal.ShowsAsync($"Message #{quiet}");
        await ann.Terminal.HidesAsync("hello from bob");
        await bob.TypeLineAsync($"are you there, @{ann.Name}?");
        await ann.Terminal.ShowsAsync("@1");
        await ann.Terminal.PressAsync("M-a");
        await ann.Terminal.ShowsAsync("are you there");

        await ann.AssertWholeAsync();
        await bob.AssertWholeAsync();
        await cal.AssertWholeAsync();
    }

    [Fact]
    public async Task Messages_are_edited_answered_reacted_to_found_and_carry_files()
    {
        var room = server.Unique("workshop");
        using var robot = await server.RobotAsync(room);
        await robot.SayAsync("the robot asks a question");
        await using var ann = await Person.ChattingAsync(server.Unique("ann"), server.Address, [room]);
        await using var bob = await Person.ChattingAsync(server.Unique("bob"), server.Address, [room]);
        await ann.GoToAsync(room);
        await bob.GoToAsync(room);

        await ann.TypeLineAsync("a mistkae");
        await bob.Terminal.ShowsAsync("a mistkae");
        await ann.Terminal.ScreenIsAsync(screen => screen.Contains("a mistkae", StringComparison.Ordinal) && !screen.Contains('◌'), "the message is shown as sent");
        await ann.Terminal.PressAsync("Up");
        await ann.Terminal.PressAsync("C-w");
        await ann.TypeLineAsync("correction");
        await bob.Terminal.ShowsAsync("a correction");
        await bob.Terminal.HidesAsync("mistkae");

        await bob.Terminal.PressAsync("S-Up");
        await bob.Terminal.TypeAsync("+");
        await bob.Terminal.ShowsAsync("React");
        await bob.Terminal.PressAsync("Enter");
        await ann.Terminal.ShowsAsync("👍");

        await bob.Terminal.PressAsync("S-Up");
        await bob.Terminal.TypeAsync("r");
        await bob.TypeLineAsync("an answer to it");
        await ann.Terminal.ShowsAsync("an answer to it");
        await ann.Terminal.ShowsAsync($"{ann.Name}: a correction");

        await ann.Terminal.PressAsync("C-s");
        await ann.Terminal.TypeAsync("question");
        await ann.Terminal.ScreenIsAsync(screen => screen.Contains("Search in", StringComparison.Ordinal) && screen.Contains(": the robot asks a question", StringComparison.Ordinal), "the search finds the robot's question");
        await ann.Terminal.PressAsync("Escape");
        await ann.Terminal.HidesAsync("Search in");

        var file = Path.Combine(ann.Terminal.Folder, "seeds.txt");
        await File.WriteAllTextAsync(file, "parsley");
        await ann.TypeLineAsync($"/upload {file}");
        await ann.Terminal.ShowsAsync("Send a file");
        await ann.Terminal.PressAsync("Enter", "Enter");
        await bob.Terminal.ShowsAsync("seeds.txt");

        await ann.AssertWholeAsync();
        await bob.AssertWholeAsync();
    }

    [Fact]
    public async Task One_scrolls_to_the_first_of_5000_messages_and_back()
    {
        var room = server.Unique("archive");
        using var robot = await server.RobotAsync(room);
        await robot.SayAsync("the very first message");
        await robot.SayAllAsync(Enumerable.Range(2, 4_998).Select(i => string.Create(CultureInfo.InvariantCulture, $"message {i}")));
        await robot.SayAsync("the very last message");
        await using var ann = await Person.ChattingAsync(server.Unique("ann"), server.Address, [room]);
        await ann.GoToAsync(room);
        await ann.Terminal.PressAsync("C-End");
        await ann.Terminal.ShowsAsync("the very last message");

        await ann.Terminal.PressAsync("PageUp", "PageUp");
        await ann.Terminal.HidesAsync("the very last message");
        await ann.Terminal.WheelUpAsync(50, 10, times: 5);
        await ann.Terminal.PressAsync("C-Home");
        await ann.Terminal.ShowsAsync("the very first message");
        await ann.Terminal.ShowsAsync($"The beginning of #{room}");
        await ann.AssertWholeAsync();
        await ann.Terminal.PressAsync("C-End");
        await ann.Terminal.ShowsAsync("the very last message");
    }

    [Fact]
    public async Task Resizing_while_messages_stream_in_leaves_every_cell_in_its_place()
    {
        var room = server.Unique("stream");
        using var robot = await server.RobotAsync(room);
        await using var ann = await Person.ChattingAsync(server.Unique("ann"), server.Address, [room]);
        await ann.GoToAsync(room);

        var streaming = robot.SayAllAsync(Enumerable.Range(1, 3_000).Select(i => string.Create(CultureInfo.InvariantCulture, $"{i} 👩‍👩‍👧 wide 日本語 שלום *and* `more` of it, so that it takes two lines")));
        var sizes = new[] { (40, 10), (120, 40), (61, 17), (200, 50), (41, 11), (90, 28) };
        for (var i = 0; !streaming.IsCompleted || i < sizes.Length; i++)
        {
            await ann.Terminal.ResizeAsync(sizes[i % sizes.Length].Item1, sizes[i % sizes.Length].Item2);
            await ann.Terminal.TypeAsync("x");
        }

        await streaming;
        await robot.SayAsync("the stream is over");
        await ann.Terminal.ShowsAsync("the stream is over");
        await ann.Terminal.ShowsAsync("xxxxxx");
        await ann.AssertWholeAsync();
        await ann.Terminal.ResizeAsync(40, 10);
        await ann.Terminal.ShowsAsync("the stream is");
        await ann.AssertWholeAsync();
    }

    [Fact]
    public async Task What_others_write_changes_nothing_but_their_own_cells()
    {
        var room = server.Unique("evil");
        using var robot = await server.RobotAsync(room);
        await using var ann = await Person.ChattingAsync(server.Unique("ann"), server.Address, [room]);
        await ann.GoToAsync(room);
        var title = await ann.Terminal.FormatAsync("#{pane_title} #{mouse_any_flag} #{alternate_on}");

        foreach (var body in new[]
        {
            "\u001b[2J\u001b[H\u001b]0;owned\u0007gone", "\u001b]52;c;b3duZWQ=\u0007\u001b[?1049l", "\u009b2J\u009d0;owned\u009c", "\u202eback\u2066ward\u202c", "zero\u200b\u2060\ufeffwidth",
            "x" + string.Concat(Enumerable.Repeat("\u0301\u0323", 2_000)), "[click](javascript:alert(1)) [real](https://example.org/\u001b]0;owned\u0007)", new string('界', 4_000), "\u001bP$q\"p\u001b\\\u001b[c\u001b[6n",
        })
        {
            await robot.SayAsync(body);
        }

        await robot.SayAsync("that was all");
        await ann.Terminal.ShowsAsync("that was all");
        await ann.AssertWholeAsync();
        Assert.Equal(title, await ann.Terminal.FormatAsync("#{pane_title} #{mouse_any_flag} #{alternate_on}"));
        await ann.Terminal.ShowsAsync($"Message #{room}");
    }

    private static int Count(string text, string part) => text.Split(part).Length - 1;
}
