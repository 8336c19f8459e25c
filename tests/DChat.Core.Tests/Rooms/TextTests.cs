using DChat.Core.Rooms;

namespace DChat.Core.Tests.Rooms;

public sealed class TextTests
{
    [Fact]
    public void A_body_is_1_to_8000_code_points_and_not_blank()
    {
        Assert.Null(RoomTexts.CheckBody("hello\nworld\t"));
        Assert.Null(RoomTexts.CheckBody(new string('x', 8_000)));
        Assert.Null(RoomTexts.CheckBody(string.Concat(Enumerable.Repeat("😀", 8_000))));
        Assert.Equal(RefusalCodes.TooLarge, RoomTexts.CheckBody(new string('x', 8_001)));
        Assert.Equal(RefusalCodes.TooLarge, RoomTexts.CheckBody(string.Concat(Enumerable.Repeat("😀", 8_001))));
        foreach (var body in new[] { null, "", "  \n", "\u200b\u2060", "a\0b", NameTests.Broken("a?"), NameTests.Broken("?a"), "\ude00\ud83d" })
        {
            Assert.Equal(RefusalCodes.InvalidArgument, RoomTexts.CheckBody(body));
        }
    }

    [Fact]
    public void A_body_may_be_empty_beside_files()
    {
        Assert.Null(RoomTexts.CheckBody(null, hasFiles: true));
        Assert.Null(RoomTexts.CheckBody("", hasFiles: true));
        Assert.Equal(RefusalCodes.InvalidArgument, RoomTexts.CheckBody("\0", hasFiles: true));
    }

    [Theory]
    [InlineData("👍")]
    [InlineData("👩‍👩‍👧‍👦")]
    [InlineData("🇩🇪")]
    [InlineData("👍🏽")]
    [InlineData("❤️")]
    [InlineData("x")]
    [InlineData("é")]
    public void One_grapheme_is_a_reaction(string emoji) => Assert.Null(RoomTexts.CheckEmoji(emoji));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("👍👍")]
    [InlineData("ok")]
    [InlineData("\n")]
    [InlineData("\u200d")]
    [InlineData("👩‍👩‍👧‍👦‍👩‍👩‍👧‍👦")]
    [InlineData("z\u0300\u0300\u0300\u0300\u0300\u0300\u0300\u0300\u0300\u0300\u0300\u0300\u0300\u0300\u0300\u0300")]
    public void Nothing_else_is_a_reaction(string? emoji) => Assert.Equal(RefusalCodes.InvalidArgument, RoomTexts.CheckEmoji(emoji));

    [Fact]
    public void A_lone_surrogate_is_no_reaction() => Assert.Equal(RefusalCodes.InvalidArgument, RoomTexts.CheckEmoji("\ud83d"));

    [Fact]
    public void A_client_id_has_1_to_64_characters()
    {
        Assert.Null(RoomTexts.CheckClientId("a"));
        Assert.Null(RoomTexts.CheckClientId(new string('x', 64)));
        foreach (var id in new[] { null, "", new string('x', 65), "a\nb", NameTests.Broken("?") })
        {
            Assert.Equal(RefusalCodes.InvalidArgument, RoomTexts.CheckClientId(id));
        }
    }

    [Fact]
    public void A_topic_is_trimmed_and_may_be_nothing()
    {
        Assert.Null(RoomTexts.CheckTopic("  all of it ", out var topic));
        Assert.Equal("all of it", topic);
        Assert.Null(RoomTexts.CheckTopic(null, out topic));
        Assert.Equal("", topic);
        Assert.Equal(RefusalCodes.TooLarge, RoomTexts.CheckTopic(new string('x', 501), out _));
        Assert.Equal(RefusalCodes.InvalidArgument, RoomTexts.CheckTopic("a\nb", out _));
    }

    [Fact]
    public void A_reason_is_trimmed_and_may_be_nothing()
    {
        Assert.Null(RoomTexts.CheckReason(" spam ", out var reason));
        Assert.Equal("spam", reason);
        Assert.Null(RoomTexts.CheckReason("  ", out reason));
        Assert.Null(reason);
        Assert.Equal(RefusalCodes.TooLarge, RoomTexts.CheckReason(new string('x', 301), out _));
    }

    [Fact]
    public void A_display_name_has_1_to_64_characters_on_one_line()
    {
        Assert.Null(RoomTexts.CheckDisplayName(" Ann B. ", out var name));
        Assert.Equal("Ann B.", name);
        foreach (var bad in new[] { null, "", " ", new string('x', 65), "a\rb", "\u2060" })
        {
            Assert.Equal(RefusalCodes.InvalidArgument, RoomTexts.CheckDisplayName(bad, out _));
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("short")]
    [InlineData("password")]
    [InlineData("PassWord1")]
    [InlineData("12345678")]
    [InlineData("Charlotte7")]
    public void Weak_passwords_are_refused(string? password) =>
        Assert.Equal(RefusalCodes.WeakPassword, PasswordStrength.Check(password, "charlotte7"));

    [Fact]
    public void Other_passwords_are_not()
    {
        Assert.Null(PasswordStrength.Check("correct horse"));
        Assert.Null(PasswordStrength.Check("ünïcödé pass", "ann"));
        Assert.Equal(RefusalCodes.WeakPassword, PasswordStrength.Check(new string('x', 257)));
        Assert.Equal(RefusalCodes.WeakPassword, PasswordStrength.Check(NameTests.Broken("correct horse ?")));
    }

    [Theory]
    [InlineData("no one", "")]
    [InlineData("@ann", "ann")]
    [InlineData("hi @Ann, @bob. @ann!", "ann bob")]
    [InlineData("(@ann)", "ann")]
    [InlineData("mail ann@example.org", "")]
    [InlineData("@@ann", "ann")]
    [InlineData("@a @ann... @ @.", "ann")]
    [InlineData("@ann_b.c-d", "ann_b.c-d")]
    [InlineData("@abcdefghijklmnopqrstuvwxyz0123456", "")]
    [InlineData("ende @änn", "")]
    public void Mentions_are_found(string body, string users) =>
        Assert.Equal(users.Split(' ', StringSplitOptions.RemoveEmptyEntries), Mentions.In(body));

    [Fact]
    public void Mentions_are_bounded() =>
        Assert.Equal(Mentions.Max, Mentions.In(string.Join(' ', Enumerable.Range(0, 500).Select(i => $"@user{i}"))).Count);

    [Fact]
    public void A_secret_is_kept_as_its_SHA256() =>
        Assert.Equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", SecretHash.Of("abc"));
}
