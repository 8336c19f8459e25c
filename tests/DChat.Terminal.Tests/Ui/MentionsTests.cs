using DChat.Terminal.Ui;

namespace DChat.Terminal.Tests.Ui;

public sealed class MentionsTests
{
    /// <summary>What the server counts as a mention (<c>DChat.Core.Rooms.Mentions</c>) is marked, and rings; and nothing else.</summary>
    [Theory]
    [InlineData("@ann", true)]
    [InlineData("so, @Ann.", true)]
    [InlineData("(@ann)", true)]
    [InlineData("@bob, @ann: hello", true)]
    [InlineData("ö@ann", true)]
    [InlineData("x@ann", false)]
    [InlineData("x.@ann", false)]
    [InlineData("@ann.b", false)]
    [InlineData("@ann-", false)]
    [InlineData("@anna", false)]
    [InlineData("@an", false)]
    [InlineData("@", false)]
    [InlineData("ann", false)]
    public void What_is_marked_is_what_counts(string body, bool names)
    {
        Assert.Equal(names, Mentions.Names(body, "ann"));
        var spans = new Markdown(Theme.Dark, "ann").Inline(body, Theme.Dark.Text);
        Assert.Equal(names, spans.Any(span => span.Style == Theme.Dark.Mention));
    }
}
