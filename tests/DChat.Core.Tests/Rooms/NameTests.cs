using DChat.Core.Rooms;

namespace DChat.Core.Tests.Rooms;

public sealed class NameTests
{
    [Theory]
    [InlineData("ann", "ann")]
    [InlineData("AnN", "ann")]
    [InlineData("a1", "a1")]
    [InlineData("_.-", "_.-")]
    [InlineData("abcdefghijklmnopqrstuvwxyz012345", "abcdefghijklmnopqrstuvwxyz012345")]
    public void A_user_name_is_kept_in_lower_case(string name, string kept)
    {
        Assert.Null(UserName.Check(name, out var folded));
        Assert.Equal(kept, folded);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("abcdefghijklmnopqrstuvwxyz0123456")]
    [InlineData("an n")]
    [InlineData("änn")]
    [InlineData("ann\n")]
    [InlineData("a/b")]
    [InlineData("\u212Aab")]
    [InlineData("\u0130ab")]
    public void Other_user_names_are_refused(string? name)
    {
        Assert.Equal(RefusalCodes.InvalidUser, UserName.Check(name, out var folded));
        Assert.Equal("", folded);
    }

    [Theory]
    [InlineData("  Lobby ", "Lobby")]
    [InlineData("x", "x")]
    [InlineData("Übung macht 😀", "Übung macht 😀")]
    public void A_room_name_is_trimmed(string name, string kept)
    {
        Assert.Null(RoomName.Check(name, out var trimmed));
        Assert.Equal(kept, trimmed);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("a\tb")]
    [InlineData("a\nb")]
    [InlineData("a\u001bb")]
    [InlineData("a\u2028b")]
    [InlineData("a\u0085b")]
    [InlineData("\u200b")]
    public void Other_room_names_are_refused(string? name) =>
        Assert.Equal(RefusalCodes.InvalidArgument, RoomName.Check(name, out _));

    [Fact]
    public void A_room_name_has_at_most_64_characters()
    {
        Assert.Null(RoomName.Check(new string('x', 64), out _));
        Assert.Equal(RefusalCodes.InvalidArgument, RoomName.Check(new string('x', 65), out _));
        Assert.Equal(RefusalCodes.InvalidArgument, RoomName.Check(Broken("x?"), out _));
    }

    [Fact]
    public void Room_names_are_compared_without_case_and_margins() => Assert.Equal(RoomName.Fold("ÄRGER"), RoomName.Fold(" ärger "));

    [Fact]
    public void Roles_have_the_words_of_the_contract()
    {
        foreach (var role in new[] { RoomRole.Invited, RoomRole.Member, RoomRole.Moderator, RoomRole.Owner })
        {
            Assert.Equal(role, RoleWords.Parse(RoleWords.Of(role)));
        }

        Assert.Null(RoleWords.Parse("admin"));
        Assert.Null(RoleWords.TryOf(RoomRole.None));
        Assert.Throws<ArgumentOutOfRangeException>(() => RoleWords.Of(RoomRole.None));
    }

    /// <summary>The text with a lone surrogate for each question mark (which attributes cannot hold).</summary>
    internal static string Broken(string text) => text.Replace('?', '\ud83d');
}
