using DChat.Client;
using DChat.Client.Sessions;
using DChat.Protocol;
using DChat.Terminal.Invocation;
using DChat.TestKit;

namespace DChat.Terminal.Tests.Invocation;

public sealed class InvocationTests
{
    [Fact]
    public void A_name_means_ones_own_room_before_another_of_the_same_name()
    {
        RoomSummary[] rooms = [Room("1", "Garden", joined: false), Room("2", "garden", joined: true), Room("3", "gardening", joined: true)];

        Assert.Equal("2", RoomNames.Choose("GARDEN", rooms));
        Assert.Equal("2", RoomNames.Choose("#garden", rooms));
        Assert.Equal("3", RoomNames.Choose("gardening", rooms));
        Assert.Equal("an-id", RoomNames.Choose("an-id", rooms));
    }

    [Fact]
    public void A_name_that_several_of_ones_rooms_have_is_asked_back()
    {
        var error = Assert.Throws<UsageException>(() => RoomNames.Choose("garden", [Room("1", "garden", true), Room("2", "garden", true)]));

        Assert.Contains("1, 2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_account_last_signed_in_to_is_the_one_that_is_meant()
    {
        using var folder = new TemporaryFolder();
        var sessions = new SavedSessions(folder["dchat"]);
        Assert.Equal(("http://localhost:8080/", null), sessions.Resolve(null, null));

        await sessions.Store("http://one/", "alice").UpdateAsync((_, _) => Task.FromResult<Session?>(new Session("alice", "a", "r", 1)), default);
        sessions.Remember("http://one/", "alice");
        sessions.Remember("http://one/,http://two/", "bob");

        Assert.Equal(("http://one/,http://two/", "bob"), sessions.Resolve(null, null));
        Assert.Equal(("http://one/,http://two/", "bob"), sessions.Resolve("two,one", null));
        Assert.Equal(("http://one/", "alice"), sessions.Resolve("one", null));
        Assert.Equal(("http://one/", "carol"), sessions.Resolve("one", "Carol"));
        sessions.Forget("http://one/", "alice");
        Assert.Equal(("http://one/", null), sessions.Resolve("one", null));
        Assert.Equal("alice", (await sessions.Store("http://one/", "ALICE").LoadAsync(default))!.User);
    }

    [Fact]
    public void The_file_of_a_session_is_not_named_by_what_a_user_chose()
    {
        using var folder = new TemporaryFolder();
        var sessions = new SavedSessions(folder["dchat"]);

        sessions.Store("http://one/", "../../evil").UpdateAsync((_, _) => Task.FromResult<Session?>(new Session("x", "a", "r", 1)), default).GetAwaiter().GetResult();

        Assert.All(Directory.EnumerateFiles(folder.Path, "*", SearchOption.AllDirectories), file => Assert.Matches("^session-[0-9a-f]{24}\\.json", Path.GetFileName(file)));
    }

    [Theory]
    [InlineData(ErrorCodes.NotSignedIn, ExitCodes.NotSignedIn)]
    [InlineData(ErrorCodes.BadToken, ExitCodes.NotSignedIn)]
    [InlineData(ClientErrorCodes.Unreachable, ExitCodes.Unreachable)]
    [InlineData(ErrorCodes.Unavailable, ExitCodes.Unreachable)]
    [InlineData(ErrorCodes.BadCredentials, ExitCodes.Refused)]
    [InlineData(ErrorCodes.NotFound, ExitCodes.Refused)]
    [InlineData(ErrorCodes.Muted, ExitCodes.Refused)]
    public void Exit_codes_tell_what_went_wrong(string code, int expected) => Assert.Equal(expected, Verb.ExitCodeOf(code));

    private static RoomSummary Room(string id, string name, bool joined) => new(id, name, null, Visibilities.Public, false, 1, 0, joined, 0);
}
