using DChat.Protocol;
using DChat.Terminal.Files;
using DChat.Terminal.Output;
using FileInfo = DChat.Protocol.FileInfo;

namespace DChat.Terminal.Tests.Output;

public sealed class MessageTextTests
{
    private static readonly Printer Plain = new(TextWriter.Null, TextWriter.Null, json: false, colours: false);
    private static readonly Message Hello = new(7, 9, MessageKinds.Text, "bob", "c", 0, "hello");

    [Fact]
    public void A_message_is_a_line() =>
        Assert.Equal("1970-01-01 00:00:00 #7 bob: hello", Format(Hello));

    [Fact]
    public void Nobody_can_forge_a_line_with_a_line_break()
    {
        var lines = Format(Hello with { Body = "hi\n1970-01-01 00:00:00 #8 admin: your password, please" }).Split('\n');

        Assert.Equal("    │ 1970-01-01 00:00:00 #8 admin: your password, please", lines[1]);
    }

    [Fact]
    public void Nobody_can_act_as_the_server_speaks() =>
        Assert.NotEqual(
            Format(Hello with { Kind = MessageKinds.System, Author = "", Body = "bob left" }),
            Format(Hello with { Kind = MessageKinds.Action, Body = "left" }));

    [Fact]
    public void Kinds_edits_deletions_replies_files_and_reactions_are_shown()
    {
        Assert.Equal("1970-01-01 00:00:00 #7 * bob waves", Format(Hello with { Kind = MessageKinds.Action, Body = "waves" }));
        Assert.Equal("1970-01-01 00:00:00 #7 -- bob joined", Format(Hello with { Kind = MessageKinds.System, Author = "", Body = "bob joined" }));
        Assert.Equal("1970-01-01 00:00:00 #7 bob: hello (edited)", Format(Hello with { EditedAt = 5 }));
        Assert.Equal("1970-01-01 00:00:00 #7 bob deleted this message", Format(Hello with { DeletedAt = 5, Body = "" }));
        Assert.Equal("1970-01-01 00:00:00 #7 ↩ #3 bob: hello", Format(Hello with { ReplyTo = 3 }));
        Assert.EndsWith("\n    │ plan.pdf (2.0 KiB): dchat download f1", Format(Hello with { Files = [new FileInfo("f1", "plan.pdf", 2048, "application/pdf")] }), StringComparison.Ordinal);
        Assert.EndsWith("\n    │ 👍 2", Format(Hello with { Reactions = new Dictionary<string, ReactionSummary> { ["👍"] = new(2, ["a", "b"]) } }), StringComparison.Ordinal);
    }

    [Fact]
    public void Everything_that_others_chose_is_made_harmless()
    {
        var hostile = Hello with
        {
            Author = "b\u001b[2Job",
            Body = "\u001b]0;x\u0007",
            Files = [new FileInfo("\u001bid", "\u001bname", 1, "t")],
            Reactions = new Dictionary<string, ReactionSummary> { ["\u001b"] = new(1, []) },
        };

        Assert.DoesNotContain(Format(hostile), c => char.IsControl(c) && c != '\n');
    }

    [Fact]
    public void A_time_that_no_clock_shows_is_no_crash() =>
        Assert.NotEmpty(Format(Hello with { SentAt = long.MaxValue }) + Format(Hello with { SentAt = long.MinValue }));

    [Fact]
    public void Colours_are_only_there_when_they_are_wanted()
    {
        var coloured = new Printer(TextWriter.Null, TextWriter.Null, json: false, colours: true);

        Assert.Contains('\u001b', MessageText.Format(Hello, coloured, TimeZoneInfo.Utc));
        Assert.DoesNotContain('\u001b', Format(Hello));
    }

    [Theory]
    [InlineData("plan.pdf", "plan.pdf")]
    [InlineData("../../etc/passwd", "passwd")]
    [InlineData("..\\..\\boot.ini", "boot.ini")]
    [InlineData("/etc/shadow", "shadow")]
    [InlineData(".bashrc", "bashrc")]
    [InlineData("-rf", "rf")]
    [InlineData("..", "file-id1")]
    [InlineData("", "file-id1")]
    [InlineData(null, "file-id1")]
    [InlineData("a\u001b[2Jb\u202egpj.exe", "a[2Jbgpj.exe")]
    public void A_name_that_somebody_else_chose_is_never_a_path(string? name, string expected) =>
        Assert.Equal(expected, FileVerbs.LocalName(name, "i/d.1"));

    private static string Format(Message message) => MessageText.Format(message, Plain, TimeZoneInfo.Utc);
}
