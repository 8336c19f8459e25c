using DChat.Protocol;
using DChat.Terminal.Screen;
using DChat.Terminal.Ui;

namespace DChat.Terminal.Tests.Ui;

/// <summary>What keys and news do, and what they ask for.</summary>
public sealed class ChatBehaviourTests
{
    [Fact]
    public void Enter_sends_and_empties_the_input()
    {
        var world = World.Chat().Type("well done :tada:").Press("enter");
        Assert.Equal(new Effect.Send("garden", "well done 🎉", null, null), Assert.Single(world.Asked<Effect.Send>()));
        Assert.Equal("", world.Input);
        Assert.Empty(world.Model.Chat.Memory.Drafts);
    }

    [Fact]
    public void What_is_typed_is_kept_as_a_draft_of_its_room_with_every_key()
    {
        var world = World.Chat().Type("dr");
        Assert.Equal(["d", "dr"], world.Asked<Effect.Remember>().Select(r => r.Memory.Drafts["garden"]));
        world.Press("alt+2").Type("other").Press("alt+1");
        Assert.Equal("dr", world.Input);
        Assert.Equal("other", world.Model.Chat.PaneOf("kitchen").Input.Text);
    }

    [Fact]
    public void Up_on_an_empty_line_edits_the_last_message_of_ones_own_and_Esc_brings_back_what_was_there()
    {
        var world = World.Chat().Press("up");
        Assert.Equal("Thanks @bob :)", world.Input);
        world.Press("ctrl+u").Type("Thank you").Press("enter");
        Assert.Equal(new Effect.Edit("garden", 4, "Thank you"), Assert.Single(world.Asked<Effect.Edit>()));
        Assert.Equal("", world.Input);
        world.Type("half a text").Press("shift+up", "e");
        Assert.Equal("Thanks @bob :)", world.Input);
        world.Press("escape");
        Assert.Equal("half a text", world.Input);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Up_edits_no_older_message_while_the_last_one_is_on_its_way(bool waiting)
    {
        var onItsWay = new PendingMessage("p1", "garden", "a mistkae", null, null, waiting, null, World.Noon.ToUnixTimeMilliseconds());
        var world = World.Chat();
        world.Happens(new UiEvent.PendingChanged([onItsWay])).Press("up");
        Assert.Equal((Writing.New, ""), (world.Model.Chat.Pane.Writing, world.Input));
        Assert.Contains("not sent yet", world.Text, StringComparison.Ordinal);

        // What is typed meanwhile stays as it is.
        world.Type("half a text").Press("up");
        Assert.Equal((Writing.New, "half a text"), (world.Model.Chat.Pane.Writing, world.Input));
        world.Press("ctrl+u");

        // The server has it, and its event is not here yet.
        world.Happens(new UiEvent.PendingChanged([onItsWay with { Waiting = false, Seq = 5 }])).Press("up");
        Assert.Equal("a mistkae", world.Input);
        world.Press("ctrl+w").Type("mistake").Press("enter");
        Assert.Equal(new Effect.Edit("garden", 5, "a mistake"), Assert.Single(world.Asked<Effect.Edit>()));
    }

    [Fact]
    public void Up_edits_the_last_message_of_this_room_whatever_is_on_its_way_elsewhere_or_is_no_text()
    {
        var now = World.Noon.ToUnixTimeMilliseconds();
        var world = World.Chat().Happens(new UiEvent.PendingChanged([
            new PendingMessage("p1", "kitchen", "elsewhere", null, null, true, null, now),
            new PendingMessage("p2", "garden", "waves", MessageKinds.Action, null, true, null, now),
        ]));
        Assert.Equal("Thanks @bob :)", world.Press("up").Input);
    }

    [Fact]
    public void A_reply_names_the_message_that_it_answers()
    {
        var world = World.Chat().Press("tab", "up", "up", "r").Type("yes").Press("enter");
        Assert.Equal(new Effect.Send("garden", "yes", null, 2), Assert.Single(world.Asked<Effect.Send>()));
        Assert.Equal(Writing.New, world.Model.Chat.Pane.Writing);
    }

    [Fact]
    public void Two_slashes_begin_a_message_with_one()
    {
        var world = World.Chat().Type("//etc").Press("enter");
        Assert.Equal("/etc", Assert.Single(world.Asked<Effect.Send>()).Body);
    }

    [Fact]
    public void A_command_that_does_not_exist_stays_to_be_put_right()
    {
        var world = World.Chat().Type("/nonsense at all").Press("enter");
        Assert.Equal("/nonsense at all", world.Input);
        Assert.True(world.Model.Toast!.IsBad);
        Assert.Empty(world.Asked<Effect.Send>());
    }

    [Theory]
    [InlineData("/kick bob too loud")]
    [InlineData("/kick @bob too loud")]
    public void Commands_of_moderators(string command)
    {
        var world = World.Chat().Type(command).Press("enter");
        Assert.Equal(new Effect.Moderate("garden", DChat.Terminal.Ui.Moderation.Kick, "bob", "too loud"), Assert.Single(world.Asked<Effect.Moderate>()));
        Assert.Equal("", world.Input);
    }

    [Fact]
    public void A_text_that_is_too_long_is_not_sent_and_not_lost()
    {
        var text = new string('x', ProtocolLimits.BodyMax + 1);
        var world = World.Chat().Paste(text).Press("enter");
        Assert.Equal(text, world.Input);
        world.Press("enter");
        Assert.Empty(world.Asked<Effect.Send>());
        Assert.Equal(text, world.Input);
    }

    [Fact]
    public void A_paste_of_few_lines_goes_in_at_once_and_one_of_many_asks_and_neither_sends()
    {
        var world = World.Chat().Paste("one\ntwo\n");
        Assert.Equal("one\ntwo", world.Input);
        world.Paste("1\n2\n3\n4\n5");
        Assert.IsType<Dialog.Confirm>(world.Model.Dialog);
        Assert.Equal("one\ntwo", world.Input);
        world.Press("o");
        Assert.Equal("1\n2\n3\n4\n5", Assert.Single(world.Asked<Effect.UploadText>()).Text);
        Assert.Empty(world.Asked<Effect.Send>());
    }

    [Fact]
    public void A_question_mark_shows_the_keys_on_an_empty_line_and_is_one_in_a_text()
    {
        var world = World.Chat().Type("?");
        Assert.IsType<Dialog.Help>(world.Model.Dialog);
        world.Type("?");
        Assert.Null(world.Model.Dialog);
        Assert.Equal("?", world.Input);
        Assert.Equal("??", world.Type("?").Input);
    }

    [Fact]
    public void Tab_completes_a_name()
    {
        Assert.Equal("@bob ", World.Chat().Type("@b").Press("tab").Input);
        Assert.Equal("@bob ", World.Chat().Type("bo").Press("tab").Input);
        Assert.Equal("see #kitchen ", World.Chat().Type("see #ki").Press("tab").Input);
        Assert.Equal("/kick bob ", World.Chat().Type("/kick b").Press("tab").Input);
    }

    [Fact]
    public void A_room_that_is_looked_at_is_read_and_one_behind_another_window_is_not()
    {
        var world = World.Chat();
        world.Happens(new UiEvent.Input(new FocusChanged(false)));
        var news = World.Garden() with { Messages = [.. World.Garden().Messages, World.Said(5, "bob", "news")], Unread = 1 };
        world.Happens(new UiEvent.RoomChanged(news));
        Assert.Empty(world.Asked<Effect.MarkRead>());
        Assert.Contains(" new ", world.Text, StringComparison.Ordinal);
        world.Happens(new UiEvent.Input(new FocusChanged(true)));
        Assert.Equal(new Effect.MarkRead("garden", 5), Assert.Single(world.Asked<Effect.MarkRead>()));
    }

    [Theory]
    [InlineData("kitchen", "hello", true, "Mentions", false)]
    [InlineData("kitchen", "hello @ann", true, "Mentions", true)]
    [InlineData("kitchen", "hello", true, "All", true)]
    [InlineData("kitchen", "hello @ann", true, "None", false)]
    [InlineData("d-bob", "hello", true, "Mentions", true)]
    [InlineData("garden", "hello @ann", true, "Mentions", false)]
    [InlineData("garden", "hello @ann", false, "Mentions", true)]
    public void What_is_worth_a_notice(string room, string body, bool focused, string level, bool expected)
    {
        var world = World.Chat();
        world.Happens(new UiEvent.Input(new FocusChanged(focused)));
        world = Level(world, room, level);
        var message = World.Said(9, "bob", body);
        var arrived = new UiEvent.Arrived(room, message, Mentions.Names(body, "ann") ? message : null);
        Assert.Equal(expected, world.Happens(arrived).Asked<Effect.Bell>().Count > 0);
        world.Press("alt+n");
        Assert.Empty(world.Happens(arrived).Asked<Effect.Bell>());
    }

    [Fact]
    public void Scrolling_back_asks_for_older_messages_once_at_a_time()
    {
        var world = World.Chat();
        world.Happens(new UiEvent.RoomChanged(World.Room("garden", World.Many(100, from: 101)) with { HasOlder = true }));
        Assert.Empty(world.Asked<Effect.LoadOlder>());
        world.Press("pageup", "pageup", "pageup", "pageup", "pageup", "pageup");
        Assert.Equal(new Effect.LoadOlder("garden", null), Assert.Single(world.Asked<Effect.LoadOlder>()));
        var before = world.Text;
        world.Happens(new UiEvent.RoomChanged(World.Room("garden", World.Many(200)) with { HasOlder = false }), new UiEvent.OlderLoaded("garden", null));
        Assert.Equal(before, world.Text);
        world.Press("ctrl+home");
        Assert.Contains("message 1\n", world.Text, StringComparison.Ordinal);
        Assert.Contains("The beginning of #garden", world.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Jumping_to_the_answered_message_loads_as_far_as_it_takes()
    {
        var world = World.Chat();
        world.Happens(new UiEvent.RoomChanged(World.Room("garden", [.. World.Many(60, from: 401), World.Said(461, "bob", "as I said") with { ReplyTo = 5 }]) with { HasOlder = true }));
        world.Press("tab", "g");
        Assert.Equal(new Effect.LoadOlder("garden", 5), Assert.Single(world.Asked<Effect.LoadOlder>()));
        world.Happens(new UiEvent.RoomChanged(World.Room("garden", World.Many(461))), new UiEvent.OlderLoaded("garden", null));
        Assert.Equal(5, world.Model.Chat.Pane.Selected);
        Assert.Contains("message 5\n", world.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Messages_that_come_while_one_reads_further_up_do_not_move_what_is_read()
    {
        var world = World.Chat();
        world.Happens(new UiEvent.RoomChanged(World.Room("garden", World.Many(80))));
        world.Press("pageup");
        var shown = world.Text.Split('\n')[2..15];
        world.Happens(new UiEvent.RoomChanged(World.Room("garden", [.. World.Many(80), World.Said(81, "cy", "more")])));
        Assert.Equal(shown, world.Text.Split('\n')[2..15]);
        Assert.Contains("more", world.Press("ctrl+end").Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pane_that_is_shown_again_gives_way_again_when_it_is_narrow()
    {
        var world = World.Chat(110).Press("f8", "f9");
        Assert.True(Layout.Of(world.Model) is { Rooms.Width: 0, Members.Width: 0 });
        world.Press("f8", "f9");
        Assert.True(Layout.Of(world.Model) is { Rooms.Width: > 0, Members.Width: > 0 });
        Assert.True(Layout.Of(world.Resize(50, 20).Model) is { Rooms.Width: 0, Members.Width: 0 });
        Assert.True(Layout.Of(world.Resize(110, 20).Model) is { Rooms.Width: > 0, Members.Width: > 0 });
    }

    [Fact]
    public void A_name_that_is_half_typed_is_completed_before_it_is_sent()
    {
        var world = World.Chat().Type("hello @bo").Press("enter");
        Assert.Equal("hello @bob ", world.Input);
        Assert.Empty(world.Asked<Effect.Send>());
        Assert.Equal("hello @bob", Assert.Single(world.Press("enter").Asked<Effect.Send>()).Body);
        Assert.Equal("@", Assert.Single(world.Type("@").Press("enter").Asked<Effect.Send>()).Body);
        Assert.Equal("@nobody", Assert.Single(world.Type("@nobody").Press("enter").Asked<Effect.Send>()).Body);
    }

    [Fact]
    public void A_refused_message_can_be_sent_again_or_thrown_away()
    {
        var failed = new FailedMessage("f1", "garden", "again", null, 2, "You are muted.", 0);
        var world = World.Chat().Happens(new UiEvent.SendRefused(failed)).Press("tab", "t");
        Assert.Equal(new Effect.Send("garden", "again", null, 2), Assert.Single(world.Asked<Effect.Send>()));
        Assert.Empty(world.Model.Chat.Memory.Failed);
        world.Happens(new UiEvent.SendRefused(failed)).Press("tab", "x");
        Assert.Empty(world.Asked<Effect.Send>());
        Assert.Empty(world.Model.Chat.Memory.Failed);
    }

    [Fact]
    public void Who_is_removed_from_the_open_room_stands_in_another_one()
    {
        var world = World.Chat().Happens(new UiEvent.RoomGone("garden", "garden", RemovalReasons.Kicked));
        Assert.Equal("kitchen", world.Model.Chat.Open);
        Assert.Contains("You were removed from garden.", world.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_typed_before_any_room_was_known_goes_into_the_first_one()
    {
        var world = new World().Type("early");
        world.Happens(new UiEvent.RoomChanged(World.Garden()), new UiEvent.Synced());
        Assert.Equal("early", world.Input);
        Assert.Equal("garden", world.Model.Chat.Open);
    }

    [Fact]
    public void Rooms_of_the_last_time_can_be_written_into_before_a_server_answers()
    {
        var memory = new Memory { LastRoom = "garden", Rooms = [new("garden", "garden", false), new("gone", "gone", false)] };
        var world = World.Start().Happens(new UiEvent.SignedIn("ann", "http://localhost:8080/", memory));
        world.Type("hello").Press("enter").Type("dr");
        Assert.Equal("garden", Assert.Single(world.Asked<Effect.Send>()).Room);
        world.Happens(new UiEvent.RoomChanged(World.Garden()), new UiEvent.Synced());
        Assert.Equal("dr", world.Input);
        Assert.Equal("garden", Assert.Single(world.Model.Chat.Order));
        Assert.Contains("Thanks @bob", world.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_could_not_be_asked_without_a_connection_is_asked_when_it_is_back()
    {
        var world = World.Chat().Happens(new UiEvent.LinkChanged(new LinkView(Link.Waiting)));
        world.Change("garden", room => room with { Messages = [.. room.Messages, World.Said(5, "bob", "news")] }).Press("alt+2");
        Assert.Empty(world.Asked<Effect.ListMembers>());
        world.Press("alt+1");
        world.Effects.Clear();
        world.Happens(new UiEvent.LinkChanged(new LinkView(Link.Online)));
        Assert.Equal(new Effect.MarkRead("garden", 5), Assert.Single(world.Asked<Effect.MarkRead>()));
        Assert.Equal("garden", Assert.Single(world.Asked<Effect.ListMembers>()).Room);
    }

    [Fact]
    public void Control_C_clears_and_then_quits()
    {
        var world = World.Chat().Type("x").Press("ctrl+c");
        Assert.Equal("", world.Input);
        Assert.Empty(world.Press("ctrl+c").Asked<Effect.Quit>());
        Assert.Single(world.Press("ctrl+c").Asked<Effect.Quit>());
    }

    [Fact]
    public void Whoever_is_idle_is_away_until_the_next_key()
    {
        var world = World.Chat().At(TimeSpan.FromMinutes(11));
        Assert.True(Assert.Single(world.Asked<Effect.SetAway>()).Away);
        Assert.False(Assert.Single(world.Type("x").Asked<Effect.SetAway>()).Away);
    }

    [Fact]
    public void An_idle_screen_is_not_drawn_again()
    {
        var world = World.Chat();
        var before = world.Model;
        world.At(TimeSpan.FromSeconds(20));
        Assert.Same(before, world.Model);
    }

    [Fact]
    public void A_wrong_password_of_a_room_is_asked_for_again()
    {
        var world = World.Chat().Happens(new UiEvent.PasswordNeeded("r1", "attic", false)).Type("wrong").Press("enter");
        Assert.Equal(new Effect.Join("r1", "attic", "wrong"), Assert.Single(world.Asked<Effect.Join>()));
        world.Happens(new UiEvent.PasswordNeeded("r1", "attic", true));
        Assert.Contains("That is not its password.", world.Text, StringComparison.Ordinal);
        Assert.Single(world.Model.Dialogs);
    }

    [Fact]
    public void A_click_opens_a_room_and_two_on_a_message_show_what_can_be_done()
    {
        var world = World.Chat().Click(5, 2);
        Assert.Equal("kitchen", world.Model.Chat.Open);
        world.Click(5, 1).Click(40, 12).Click(40, 12);
        Assert.Equal(MenuKind.Message, Assert.IsType<Dialog.Menu>(world.Model.Dialog).Kind);
    }

    [Fact]
    public void After_a_click_or_a_jump_one_goes_on_writing()
    {
        var world = World.Chat().Click(40, 12);
        Assert.NotNull(world.Model.Chat.Pane.Selected);
        world.Type("day two");
        Assert.Equal("day two", world.Input);
        Assert.Empty(world.Model.Dialogs);
        Assert.Empty(world.Asked<Effect.Delete>());
        Assert.Null(world.Model.Chat.Pane.Selected);

        world.Press("ctrl+u", "tab", "g");
        Assert.Equal(2, world.Model.Chat.Pane.Selected);
        Assert.Equal("/join r", world.Type("/join r").Input);
    }

    [Fact]
    public void Keys_take_up_the_message_that_was_clicked()
    {
        var world = World.Chat().Click(40, 12);
        var clicked = world.Model.Chat.Pane.Selected;
        world.Press("shift+up", "r");
        Assert.Equal(clicked, world.Model.Chat.Pane.Subject);
        Assert.Null(World.Chat().Click(40, 12).Press("escape").Model.Chat.Pane.Selected);
    }

    [Fact]
    public void Letters_that_mean_nothing_for_a_chosen_message_are_written()
    {
        Assert.Equal("hello", World.Chat().Press("tab").Type("hello").Input);
        var world = World.Chat().Press("tab").Type("day");
        Assert.Equal("ay", world.Input);
        Assert.Empty(world.Model.Dialogs);
        Assert.Empty(world.Asked<Effect.Delete>());
    }

    [Fact]
    public void Only_its_letter_deletes_a_message()
    {
        Assert.Empty(World.Chat().Press("tab", "d", "enter").Asked<Effect.Delete>());
        Assert.Equal(new Effect.Delete("garden", 4), Assert.Single(World.Chat().Press("tab", "d", "y").Asked<Effect.Delete>()));
    }

    [Fact]
    public void A_text_for_somebody_is_sent_when_the_talk_is_open()
    {
        var world = World.Chat().Type("/msg bob hello there bob :tada:").Press("enter");
        Assert.Equal(new Effect.OpenDirect("bob", "hello there bob :tada:"), Assert.Single(world.Asked<Effect.OpenDirect>()));
        Assert.Equal("", world.Input);
        world.Happens(new UiEvent.RoomReady("d-bob", "hello there bob :tada:"));
        Assert.Equal("d-bob", world.Model.Chat.Open);
        Assert.Equal(new Effect.Send("d-bob", "hello there bob 🎉", null, null), Assert.Single(world.Asked<Effect.Send>()));
    }

    [Fact]
    public void A_text_for_nobody_can_be_recalled()
    {
        var world = World.Chat().Type("/msg bbo hello").Press("enter").Happens(new UiEvent.Failed("There is nobody called bbo."));
        Assert.Equal("/msg bbo hello", world.Press("alt+p").Input);
    }

    [Fact]
    public void Control_C_while_one_edits_or_answers_ends_that_and_no_more()
    {
        var world = World.Chat().Type("my long draft").Press("shift+up", "e").Type("!").Press("ctrl+c");
        Assert.Equal("my long draft", world.Input);
        Assert.Equal(Writing.New, world.Model.Chat.Pane.Writing);
        Assert.Equal("my long draft", world.Model.Chat.Memory.Drafts["garden"]);
        world.Press("shift+up", "r", "ctrl+c");
        Assert.Equal("my long draft", world.Input);
        Assert.Equal(Writing.New, world.Model.Chat.Pane.Writing);
        Assert.Equal("", world.Press("ctrl+c").Input);
    }

    [Fact]
    public void The_open_room_is_always_listed_in_view_and_the_wheel_moves_the_list_both_ways()
    {
        const int Rooms = 38;
        var world = ManyRooms(Rooms);
        for (var i = 0; i < Rooms; i++)
        {
            Assert.Contains("▌", world.Text, StringComparison.Ordinal);
            Wheel(world, MouseKind.WheelDown, 1);
            world.Press("alt+down");
        }

        world.Type("/go room37").Press("enter");
        Assert.Contains("▌  room37", world.Text, StringComparison.Ordinal);
        Wheel(world, MouseKind.WheelUp, Rooms);
        Assert.Contains(" 1 room00", world.Text, StringComparison.Ordinal);
        Wheel(world, MouseKind.WheelDown, 2);
        Assert.DoesNotContain(" 1 room00", world.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Rooms_with_something_new_that_are_not_in_view_are_counted_at_the_edge()
    {
        var world = ManyRooms(38);
        Assert.DoesNotContain(" new", world.Text, StringComparison.Ordinal);
        world.Change("room36", room => room with { Unread = 2 }).Change("d-bob", room => room with { Unread = 1 });
        Assert.Contains(" ↓ 2 new", world.Text, StringComparison.Ordinal);
        world.Type("/go room37").Press("enter").Change("room01", room => room with { Unread = 1 });
        Assert.Contains(" ↑ 1 new", world.Text, StringComparison.Ordinal);
        world.Click(3, 0);
        Assert.Contains(" 2 room01", world.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hel", "hel*")]
    [InlineData("日本", "日本*")]
    [InlineData("two wor ", "two wor*")]
    [InlineData("line*", "line*")]
    [InlineData("\"as it stands\"", "\"as it stands\"")]
    [InlineData("\"as it st", "\"as it st")]
    [InlineData("\"as it stands\" hel", "\"as it stands\" hel*")]
    [InlineData("why?", "why?")]
    public void A_search_finds_what_begins_with_the_word_that_is_typed(string typed, string asked)
    {
        var world = World.Chat().Press("ctrl+s").Type(typed);
        Assert.Equal(asked, world.Asked<Effect.Search>()[^1].Query);
        world.Happens(new UiEvent.SearchDone(asked, null, [new("garden", World.Garden().Messages[1])], null));
        Assert.Single(Assert.IsType<Dialog.Menu>(world.Model.Dialog).Items);
        Assert.Equal(asked, World.Chat().Type("/search " + typed).Press("enter").Asked<Effect.Search>()[^1].Query);
    }

    [Fact]
    public void Enter_chooses_nothing_from_a_list_that_answers_an_earlier_query()
    {
        RoomSummary Public(string name) => new(name, name, null, Visibilities.Public, false, 2, 1, false, 0);
        var world = World.Chat().Press("f4").Happens(new UiEvent.RoomsListed("", null, [Public("attic"), Public("cellar")], null));
        world.Type("cell").Press("enter");
        Assert.Empty(world.Asked<Effect.Join>());
        world.Happens(new UiEvent.RoomsListed("cell", null, [Public("cellar")], null)).Press("enter");
        Assert.Equal("cellar", Assert.Single(world.Asked<Effect.Join>()).Room);
    }

    [Theory]
    [InlineData("bell", 1, 0)]
    [InlineData("desktop", 0, 1)]
    [InlineData("both", 1, 1)]
    [InlineData("off", 0, 0)]
    [InlineData("default", 1, 0)]
    public void How_a_notice_comes_is_set_for_a_room(string way, int bells, int notifications)
    {
        var message = World.Said(9, "bob", "hello @ann");
        var world = Level(World.Chat(), "kitchen", way);
        world.Happens(new UiEvent.Arrived("kitchen", message, message));
        Assert.Equal((bells, notifications), (world.Asked<Effect.Bell>().Count, world.Asked<Effect.Notify>().Count));
        world.Happens(new UiEvent.Arrived("d-bob", message, message));
        Assert.Equal((1, 0), (world.Asked<Effect.Bell>().Count, world.Asked<Effect.Notify>().Count));
    }

    [Fact]
    public void The_way_of_notices_is_chosen_in_the_menu_of_the_room_and_kept()
    {
        var world = World.Chat().Press("f6", "n", "d");
        Assert.Equal(NoticeWay.Desktop, world.Model.Chat.Memory.Ways["garden"]);
        Assert.Contains("Notices of #garden come on the desktop.", world.Text, StringComparison.Ordinal);
        Assert.Equal(NoticeWay.Desktop, world.Asked<Effect.Remember>()[^1].Memory.Ways["garden"]);
        Assert.Empty(world.Press("f6", "n", "e").Model.Chat.Memory.Ways);
    }

    [Fact]
    public void What_one_wrote_oneself_is_not_new_and_is_read()
    {
        var world = World.Chat();
        world.Happens(new UiEvent.Input(new FocusChanged(false)));
        var mine = World.Garden() with { Messages = [.. World.Garden().Messages, World.Said(5, "ann", "written offline")], Unread = 1 };
        world.Happens(new UiEvent.RoomChanged(mine));
        Assert.DoesNotContain(" new ", world.Text, StringComparison.Ordinal);
        Assert.Equal(new Effect.MarkRead("garden", 5), Assert.Single(world.Asked<Effect.MarkRead>()));
        world.Happens(new UiEvent.RoomChanged(mine with { Messages = [.. mine.Messages, World.Said(6, "bob", "news")], Unread = 2 }));
        Assert.Empty(world.Asked<Effect.MarkRead>());
        Assert.Equal(5, world.Model.Chat.Pane.NewAfter);
    }

    [Fact]
    public void What_was_sent_while_no_server_answered_has_no_line_for_new_messages_above_it()
    {
        var memory = new Memory { LastRoom = "garden", Rooms = [new("garden", "garden", false)] };
        var world = World.Start().Happens(new UiEvent.SignedIn("ann", "http://localhost:8080/", memory));
        world.Happens(new UiEvent.RoomChanged(World.Garden() with { Messages = [.. World.Garden().Messages, World.Said(5, "ann", "written offline")], Unread = 1 }), new UiEvent.Synced());
        Assert.Contains("written offline", world.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(" new ", world.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_name_that_somebody_gave_themselves_stands_beside_their_user_name()
    {
        var world = World.Chat(120, 24).Happens(new UiEvent.MembersListed("garden", [new("ann", "ann", Roles.Owner, true), new("bob", "Bob Marsh", Roles.Member, true)]));
        Assert.Contains("● bob Bob Marsh", world.Text, StringComparison.Ordinal);
        world.Press("tab", "up", "i");
        Assert.Contains("bob (Bob Marsh), message 3", world.Text, StringComparison.Ordinal);
        world.Press("escape", "a");
        Assert.Contains("bob (Bob Marsh) · member", world.Text, StringComparison.Ordinal);
    }

    private static World ManyRooms(int count)
    {
        var world = new World(80, 30).Happens(new UiEvent.LinkChanged(new LinkView(Link.Online, "w-1", 3)));
        for (var i = 0; i < count; i++)
        {
            world.Happens(new UiEvent.RoomChanged(World.Room($"room{i:00}", [World.Said(1, "cy", "hello")])));
        }

        return world.Happens(new UiEvent.RoomChanged(World.Room("d-bob", []) with { Title = "bob", IsDirect = true }), new UiEvent.Synced());
    }

    private static void Wheel(World world, MouseKind kind, int times)
    {
        for (var i = 0; i < times; i++)
        {
            world.Happens(new UiEvent.Input(new MouseInput(kind, 3, 5, 0, KeyModifiers.None)));
        }
    }

    private static World Level(World world, string room, string level)
    {
        var open = world.Model.Chat.Open!;
        world.Type($"/go {world.Model.Chat.Rooms[room].Title}").Press("enter").Type($"/notify {level}").Press("enter");
        world.Type($"/go {open}").Press("enter");
        world.Effects.Clear();
        return world;
    }
}
