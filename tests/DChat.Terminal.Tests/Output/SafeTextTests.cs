using System.Text;
using System.Text.Json;
using DChat.Terminal.Output;
using DChat.Terminal.Screen;
using FsCheck;
using FsCheck.Fluent;

namespace DChat.Terminal.Tests.Output;

public sealed class SafeTextTests
{
    [Theory]
    [InlineData("plain text, ÄÖÜ, 日本語", "plain text, ÄÖÜ, 日本語")]
    [InlineData("\u001b[31mred\u001b[0m", "[31mred[0m")]
    [InlineData("\u001b]0;title\u0007", "]0;title")]
    [InlineData("\u001b]8;;http://evil\u001b\\link\u001b]8;;\u001b\\", "]8;;http://evil\\link]8;;\\")]
    [InlineData("\u001bP1$r\u001b\\", "P1$r\\")]
    [InlineData("\u009b2J\u009d0;x\u009c", "2J0;x")]
    [InlineData("a\u0000b\u0007c\u0008d\u007fe", "abcde")]
    [InlineData("\u202eevil\u202c \u2066x\u2069\u200e\u200f\u061c", "evil x")]
    [InlineData("zero\ufeff\u2060width\u00ad", "zerowidth")]
    [InlineData("one\ntwo\r\nthree\u2028four\u0085five\tsix", "one two  three four five six")]
    [InlineData("👩‍👩‍👧 👍🏽 🏴󠁧󠁢󠁳󠁣󠁴󠁿 e\u0301", "👩‍👩‍👧 👍🏽 🏴󠁧󠁢󠁳󠁣󠁴󠁿 e\u0301")]
    [InlineData("می‌خواهم", "می‌خواهم")]
    [InlineData(null, "")]
    public void A_line_keeps_what_people_write_with_and_nothing_else(string? text, string expected) =>
        Assert.Equal(expected, SafeText.Clean(text));

    [Fact]
    public void A_lone_surrogate_is_no_character() => Assert.Equal("\ufffdlone\ufffd", SafeText.Clean("\ud800lone\udc00"));

    [Theory]
    [InlineData("one\ntwo\r\nthree\rfour\u2028five", new[] { "one", "two", "three", "four", "five" })]
    [InlineData("", new[] { "" })]
    [InlineData("\n\r\n", new[] { "", "", "" })]
    [InlineData("a\tb", new[] { "a    b" })]
    public void Lines_break_where_any_system_breaks_them(string text, string[] expected) =>
        Assert.Equal(expected, SafeText.Lines(text));

    [Fact]
    public void No_text_at_all_brings_a_control_character_to_the_terminal()
    {
        var property = Prop.ForAll(Hostile(), text =>
        {
            Assert.All(SafeText.Lines(text).Append(SafeText.Clean(text)), line =>
            {
                Assert.DoesNotContain(line, c => char.IsControl(c) || c is '\u202a' or '\u202e' or '\u2066' or '\u2028');
                Assert.Equal(line, SafeText.Clean(line));
                Assert.True(line.EnumerateRunes().All(SafeText.IsSafe));
            });
        });
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2_000), property);
    }

    [Fact]
    public void Json_loses_nothing_and_is_harmless_all_the_same()
    {
        var property = Prop.ForAll(Hostile(), text =>
        {
            var whole = Encoding.Unicode.GetString(Encoding.Unicode.GetBytes(text));
            var json = SafeJson.Write(new { text = whole });
            Assert.True(json.EnumerateRunes().All(SafeText.IsSafe), json);
            Assert.Equal(whole, JsonDocument.Parse(json).RootElement.GetProperty("text").GetString());
        });
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2_000), property);
    }

    [Fact]
    public void Json_is_one_line() => Assert.Equal("""{"text":"a\nb é \u001b \u202e"}""", SafeJson.Write(new { text = "a\nb é \u001b \u202e" }), ignoreCase: true);

    /// <summary>Any UTF-16 code units, those that matter more often than chance would have it.</summary>
    private static Arbitrary<string> Hostile()
    {
        var special = Gen.Elements('\u001b', '[', ']', ';', '\u0007', '\u009b', '\u009d', '\u0090', '\n', '\r', '\t', '\u007f', '\u202e', '\u2066', '\ud83d', '\udc4d', '\udb40', '\udc01', '\ufeff', '\u2028', '\u0085');
        var any = Gen.Choose(0, 0xffff).Select(unit => (char)unit);
        return Gen.OneOf(special, any).ArrayOf().Select(units => new string(units)).ToArbitrary();
    }
}
