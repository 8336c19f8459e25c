using DChat.Protocol;
using DChat.Terminal.Ui;

namespace DChat.Terminal.Tests.Ui;

/// <summary>Whole screens of the chat, as text.</summary>
public sealed class ChatScreenTests
{
    [Fact]
    public void Wide() => ScreenFile.Check(World.Chat(110, 24));

    [Fact]
    public void Usual() => ScreenFile.Check(World.Chat(80, 20));

    [Fact]
    public void Narrow_hides_the_panes() => ScreenFile.Check(World.Chat(50, 16));

    [Fact]
    public void Smallest() => ScreenFile.Check(World.Chat(40, 10));

    [Fact]
    public void Panes_shown_where_they_would_hide() => ScreenFile.Check(World.Chat(60, 14).Press("f8"));

    [Fact]
    public void Nobody_is_anywhere_yet() => ScreenFile.Check(new World(70, 18).Happens(new UiEvent.LinkChanged(new LinkView(Link.Online, "w-1", 3)), new UiEvent.Synced()));

    [Fact]
    public void New_messages_have_a_line_above_them()
    {
        var world = World.Chat(80, 16);
        world.Happens(new UiEvent.RoomChanged(World.Room("kitchen", [World.Said(1, "bob", "one"), World.Said(2, "cy", "two, @ann", at: 1), World.Said(3, "cy", "three", at: 2)]) with { ReadSeq = 1, Unread = 2, Mentions = 1 }));
        Assert.Contains("@1", world.Text, StringComparison.Ordinal);
        ScreenFile.Check(world.Press("alt+2"));
    }

    [Fact]
    public void A_room_with_many_unread_opens_where_one_stopped_reading()
    {
        var world = World.Chat(80, 16);
        world.Happens(new UiEvent.RoomChanged(World.Room("kitchen", World.Many(60)) with { ReadSeq = 20, Unread = 40 }));
        ScreenFile.Check(world.Press("alt+2"));
    }

    [Fact]
    public void Everything_a_message_can_hold() => ScreenFile.Check(World.Chat(80, 24).Happens(new UiEvent.RoomChanged(World.Room("garden", [
        World.Said(1, "bob", "*one* **two** ~~three~~ `four` [words](https://example.org/x) snake_case_name 2 * 3 * 4", at: -60),
        World.Said(2, "cy", "> quoted\nand answered\n```\nif (x) { y(); }\n```\ndone", at: -50) with { EditedAt = 1 },
        World.Said(3, "cy", "", at: -40) with { DeletedAt = 1 },
        World.Said(4, "bob", "waves", at: -30) with { Kind = MessageKinds.Action },
        World.Said(5, "", "bob changed the topic", at: -20) with { Kind = MessageKinds.System },
        World.Said(6, "dee", "look", at: -10) with { Files = [new("f1", "plan.pdf", 123_456, "application/pdf")], ReplyTo = 2 },
    ]))));

    [Fact]
    public void Wide_letters_marks_and_emoji_keep_the_columns() => ScreenFile.Check(World.Chat(64, 16).Happens(new UiEvent.RoomChanged(World.Room("garden", [
        World.Said(1, "山田", "日本語のとても長い文章がここで折り返されるはずです。そうでしょう?", at: -9),
        World.Said(2, "zoë", "e\u0301 and 👩‍👩‍👧 and 🇩🇪 and שלום and مرحبا", at: -5),
    ]) with
    { Title = "庭 garden" })));

    [Fact]
    public void Waiting_and_refused_messages_say_so()
    {
        var world = World.Chat(80, 18);
        world.Happens(
            new UiEvent.LinkChanged(new LinkView(Link.Waiting, Problem: "The connection was lost.", RetryAt: World.Noon.AddSeconds(7))),
            new UiEvent.PendingChanged([new PendingMessage("p1", "garden", "written offline", null, null, true, null, World.Noon.ToUnixTimeMilliseconds())]),
            new UiEvent.SendRefused(new FailedMessage("f1", "garden", "too fast", null, null, "You are muted.", World.Noon.ToUnixTimeMilliseconds())));
        ScreenFile.Check(world);
    }

    [Fact]
    public void What_went_wrong_is_said_to_its_end() => ScreenFile.Check(World.Chat(70, 16).Happens(new UiEvent.Failed(
        "large.iso was not sent: The file is too large: this server takes 25 MiB at most. Ask whoever runs the server, or send it in parts.")));

    [Fact]
    public void A_chosen_message_offers_what_can_be_done() => ScreenFile.Check(World.Chat().Press("tab", "up"));

    [Fact]
    public void Answering() => ScreenFile.Check(World.Chat().Press("tab", "up", "r").Type("sure"));

    [Fact]
    public void Completion_of_a_command() => ScreenFile.Check(World.Chat().Type("/m"));

    [Fact]
    public void Completion_of_an_emoji() => ScreenFile.Check(World.Chat().Type("so :hear"));

    [Fact]
    public void An_input_of_several_lines_grows() => ScreenFile.Check(World.Chat().Type("one").Press("alt+enter").Type("two").Press("alt+enter").Type("three"));

    [Fact]
    public void Without_a_connection_nobody_is_said_to_be_here() => ScreenFile.Check(World.Chat(110, 18)
        .Change("garden", room => room with { Typing = ["bob"] })
        .Happens(new UiEvent.LinkChanged(new LinkView(Link.Waiting, Problem: "The connection was lost."))));

    [Fact]
    public void A_run_of_messages_that_fills_the_pane_says_whose_it_is() => ScreenFile.Check(World.Chat(80, 16).Happens(new UiEvent.RoomChanged(
        World.Room("garden", [.. Enumerable.Range(1, 30).Select(i => World.Said(i, "bob", $"verse {i}"))]))));

    [Fact]
    public void How_much_too_long_a_text_is_covers_none_of_it() => ScreenFile.Check(World.Chat(80, 20).Paste(new string('x', ProtocolLimits.BodyMax + 5)).Press("enter"));

    [Fact]
    public void Typing_is_told_in_the_line() => ScreenFile.Check(World.Chat().Change("garden", room => room with { Typing = ["bob", "cy"] }));
}
