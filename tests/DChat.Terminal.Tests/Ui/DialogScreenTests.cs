using DChat.Protocol;
using DChat.Terminal.Ui;

namespace DChat.Terminal.Tests.Ui;

/// <summary>Dialogs and the start screen, as text.</summary>
public sealed class DialogScreenTests
{
    [Fact]
    public void Start_for_somebody_new() => ScreenFile.Check(World.Start());

    [Fact]
    public void Start_with_sessions_that_were_kept() => ScreenFile.Check(World.Start(80, 20, new KnownSession("http://localhost:8080/", "ann"), new KnownSession("https://chat.example.org/", "bob")));

    [Fact]
    public void Start_to_make_an_account() => ScreenFile.Check(World.Start().Press("down", "down", "down", "enter").Type("dee").Press("enter").Type("geheim"));

    [Fact]
    public void Start_says_what_is_wrong() => ScreenFile.Check(World.Start(60, 18).Happens(new UiEvent.ServerProbed("http://localhost:8080", "Nothing answers at http://localhost:8080. Is the server running, and is the port right?", null, false)));

    [Fact]
    public void Start_on_the_smallest_screen() => ScreenFile.Check(World.Start(40, 10));

    [Fact]
    public void Finder() => ScreenFile.Check(World.Chat(80, 24).Press("ctrl+k").Type("kit"));

    [Fact]
    public void Help() => ScreenFile.Check(World.Chat(100, 30).Press("f1"));

    [Fact]
    public void Making_a_room() => ScreenFile.Check(World.Chat().Press("f5").Type("cellar").Press("down", "down", "right"));

    [Fact]
    public void Browsing() => ScreenFile.Check(World.Chat(90, 22).Press("f4").Happens(new UiEvent.RoomsListed("", null, [
        new("r1", "attic", "Old things", Visibilities.Public, true, 12, 3, false, World.Noon.AddHours(-2).ToUnixTimeMilliseconds()),
        new("garden", "garden", null, Visibilities.Public, false, 3, 2, true, World.Noon.ToUnixTimeMilliseconds()),
    ], null)));

    [Fact]
    public void A_password_is_asked_for() => ScreenFile.Check(World.Chat().Press("f4").Happens(new UiEvent.RoomsListed("", null, [new("r1", "attic", null, Visibilities.Public, true, 12, 3, false, 0)], null)).Press("enter").Type("secret"));

    [Fact]
    public void Searching_shows_the_messages_around_a_hit()
    {
        var world = World.Chat(90, 34).Press("ctrl+s").Type("hello");
        world.Happens(new UiEvent.SearchDone("hello*", null, [new("garden", World.Garden().Messages[1])], null), new UiEvent.ContextLoaded("garden", 2, [.. World.Garden().Messages]));
        ScreenFile.Check(world);
    }

    [Fact]
    public void A_member_and_what_an_owner_can_do() => ScreenFile.Check(World.Chat(80, 24).Press("f7").Type("cy").Press("enter"));

    [Fact]
    public void A_message_and_what_can_be_done() => ScreenFile.Check(World.Chat().Press("tab", "enter"));

    [Fact]
    public void A_large_paste_asks_first() => ScreenFile.Check(World.Chat().Paste(string.Join('\n', Enumerable.Range(1, 120))));

    [Fact]
    public void Leaving_asks_first() => ScreenFile.Check(World.Chat().Type("/leave").Press("enter"));

    [Fact]
    public void Deleting_asks_first_and_Enter_cancels() => ScreenFile.Check(World.Chat().Press("tab", "d"));

    [Fact]
    public void A_dialog_on_the_smallest_screen() => ScreenFile.Check(World.Chat(40, 10).Press("ctrl+k"));

    [Fact]
    public void When_a_message_was_written_and_who_reacted() => ScreenFile.Check(World.Chat().Press("tab", "i"));
}
