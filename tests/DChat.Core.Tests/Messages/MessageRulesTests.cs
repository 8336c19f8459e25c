using DChat.Core.Messages;

namespace DChat.Core.Tests.Messages;

public sealed class MessageRulesTests
{
    private static readonly Message Sent = new(1, 1, MessageKind.Text, "ann", "c", 10, "hello", null, null, null, [], [], []);

    private static readonly Message Deleted = Sent with { Body = "", DeletedAt = 11 };

    private static readonly Message System = Sent with { Kind = MessageKind.System, Author = "" };

    [Fact]
    public void An_author_edits_the_own_message()
    {
        var edited = MessageRules.Edit(Sent, Edit("ann", "bye")).Message!;
        Assert.Equal(("bye", 20L), (edited.Body, edited.EditedAt!.Value));
        Assert.Null(MessageRules.Edit(Sent, Edit("ann", "hello")).Message);
    }

    [Fact]
    public void Nobody_edits_what_is_not_the_own_or_not_there()
    {
        Assert.Equal(ChangeRefusal.Forbidden, MessageRules.Edit(Sent, Edit("bob", "x")).Refusal);
        Assert.Equal(ChangeRefusal.Forbidden, MessageRules.Edit(System, Edit("", "x")).Refusal);
        Assert.Equal(ChangeRefusal.NotFound, MessageRules.Edit(Deleted, Edit("ann", "x")).Refusal);
        Assert.Equal(ChangeRefusal.NotFound, MessageRules.Edit(null, Edit("ann", "x")).Refusal);
    }

    [Fact]
    public void A_deleted_message_is_empty()
    {
        var reacted = Sent with { Reactions = [new Reaction("+", 1, ["bob"])], Files = [new AttachedFile("f", "f.txt", 1, "text/plain")] };
        var deleted = MessageRules.Delete(reacted, Delete("ann")).Message!;
        Assert.Equal(("", 20L, 0, 0), (deleted.Body, deleted.DeletedAt!.Value, deleted.Files.Count, deleted.Reactions.Count));
        Assert.NotNull(MessageRules.Delete(Sent, Delete("bob", moderator: true)).Message);
        Assert.Equal(MessageRules.Outcome.Unchanged, MessageRules.Delete(Deleted, Delete("ann")));
    }

    [Fact]
    public void Nobody_deletes_what_is_not_the_own_or_not_there()
    {
        Assert.Equal(ChangeRefusal.Forbidden, MessageRules.Delete(Sent, Delete("bob")).Refusal);
        Assert.Equal(ChangeRefusal.Forbidden, MessageRules.Delete(System, Delete("bob", moderator: true)).Refusal);
        Assert.Equal(ChangeRefusal.NotFound, MessageRules.Delete(null, Delete("ann")).Refusal);
    }

    [Fact]
    public void Reactions_are_counted()
    {
        var one = MessageRules.React(Sent, React("bob", true), has: false, ["bob"]).Message!;
        Assert.Equal(("+", 1), (one.Reactions[0].Emoji, one.Reactions[0].Count));
        var two = MessageRules.React(one, React("cid", true), has: false, ["bob", "cid"]).Message!;
        Assert.Equal(2, two.Reactions[0].Count);
        Assert.Equal(["bob", "cid"], two.Reactions[0].Users);
        Assert.Equal(1, MessageRules.React(two, React("cid", false), has: true, ["bob"]).Message!.Reactions[0].Count);
        Assert.Empty(MessageRules.React(one, React("bob", false), has: true, []).Message!.Reactions);
    }

    [Fact]
    public void A_reaction_that_is_there_already_changes_nothing()
    {
        Assert.Equal(MessageRules.Outcome.Unchanged, MessageRules.React(Sent, React("bob", true), has: true, ["bob"]));
        Assert.Equal(MessageRules.Outcome.Unchanged, MessageRules.React(Sent, React("bob", false), has: false, []));
        Assert.Equal(ChangeRefusal.NotFound, MessageRules.React(Deleted, React("bob", true), has: false, []).Refusal);
        Assert.Equal(ChangeRefusal.NotFound, MessageRules.React(null, React("bob", true), has: false, []).Refusal);
    }

    [Fact]
    public void A_message_has_at_most_20_different_reactions()
    {
        var full = Sent with { Reactions = [.. Enumerable.Range(0, MessageLimits.EmojiPerMessage).Select(i => new Reaction($"{i}", 1, ["bob"]))] };
        Assert.Equal(ChangeRefusal.InvalidArgument, MessageRules.React(full, React("bob", true), has: false, ["bob"]).Refusal);
    }

    private static EditMessage Edit(string author, string body) => new(author, "e", 20, 1, body, []);

    private static DeleteMessage Delete(string author, bool moderator = false) => new(author, "d", 20, 1, moderator);

    private static React React(string author, bool on) => new(author, "r", 20, 1, "+", on);
}
