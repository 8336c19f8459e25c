using System.CommandLine;
using DChat.Client;
using DChat.Protocol;
using DChat.Terminal.Invocation;
using DChat.Terminal.Output;
using DChat.Terminal.Rooms;

namespace DChat.Terminal.Messages;

/// <summary><c>tail</c>, <c>history</c>, <c>search</c>.</summary>
internal static class ReadVerbs
{
    private static readonly Option<int> Lines = new("--lines", "-n") { Description = "How many messages.", HelpName = "N", DefaultValueFactory = _ => 10 };
    private static readonly Option<bool> Follow = new("--follow", "-f") { Description = "Go on with what is written, until Ctrl-C, over reconnects." };
    private static readonly Option<long?> Before = new("--before") { Description = "Only messages below this number.", HelpName = "SEQ" };
    private static readonly Argument<string[]> Words = new("words") { Description = "All of which a message must contain; \"quoted words\" stand together; a trailing * is a prefix.", Arity = ArgumentArity.OneOrMore };
    private static readonly Option<string?> In = new("--room") { Description = "Only in this room.", HelpName = "ROOM" };

    public static IEnumerable<Command> All()
    {
        yield return Verb.Create("tail", "Show the last messages of a room, and follow it with -f: every message once and in order, over reconnects.", "dchat tail garden\ndchat tail garden -f -n 50\ndchat tail garden -f --json | jq -r .message.body", [RoomVerbs.Room, Lines, Follow], TailAsync);
        yield return Verb.Create("history", "Show older messages of a room.", "dchat history garden -n 200\ndchat history garden --before 1000", [RoomVerbs.Room, Lines, Before], HistoryAsync);
        yield return Verb.Create("search", "Find messages in your rooms, newest first.", "dchat search tomato*\ndchat search '\"raised bed\"' --room garden", [Words, In, Lines], SearchAsync);
    }

    private static async Task TailAsync(VerbContext context, CancellationToken cancel)
    {
        await using var client = await context.ConnectAsync(cancel);
        var room = await RoomNames.ResolveAsync(client, context.Parsed.GetRequiredValue(RoomVerbs.Room), cancel);
        if (context.Parsed.GetValue(Follow))
        {
            await new RoomFollower(client, context.Print).RunAsync(room, Count(context), cancel);
        }
        else
        {
            await PrintPagesAsync(context, client, room, null, cancel);
        }
    }

    private static async Task HistoryAsync(VerbContext context, CancellationToken cancel)
    {
        await using var client = await context.ConnectAsync(cancel);
        var room = await RoomNames.ResolveAsync(client, context.Parsed.GetRequiredValue(RoomVerbs.Room), cancel);
        await PrintPagesAsync(context, client, room, context.Parsed.GetValue(Before), cancel);
    }

    private static async Task PrintPagesAsync(VerbContext context, ChatClient client, string room, long? before, CancellationToken cancel)
    {
        var messages = await LastAsync(client, room, before, Count(context), cancel);
        foreach (var message in messages)
        {
            context.Print.Result(new { room, message }, () => MessageText.Format(message, context.Print, TimeZoneInfo.Local));
        }
    }

    /// <summary>The newest messages before a <c>seq</c>, ascending, from as many pages as it takes.</summary>
    public static async Task<IReadOnlyList<Message>> LastAsync(ChatClient client, string room, long? before, int count, CancellationToken cancel)
    {
        Stack<IReadOnlyList<Message>> pages = [];
        var missing = count;
        while (missing > 0)
        {
            var page = await client.HistoryAsync(room, before, Math.Min(missing, ProtocolLimits.PageMax), cancel);
            pages.Push(page.Messages);
            missing -= page.Messages.Count;
            if (!page.More || page.Messages.Count == 0)
            {
                break;
            }

            before = page.Messages[0].Seq;
        }

        return [.. pages.SelectMany(page => page)];
    }

    private static async Task SearchAsync(VerbContext context, CancellationToken cancel)
    {
        await using var client = await context.ConnectAsync(cancel);
        var room = context.Parsed.GetValue(In) is { } name ? await RoomNames.ResolveAsync(client, name, cancel) : null;
        var query = string.Join(' ', context.Parsed.GetRequiredValue(Words));
        var missing = Count(context);
        string? after = null;
        do
        {
            var page = await client.SearchAsync(query, room, after, Math.Min(missing, ProtocolLimits.PageMax), cancel);
            foreach (var hit in page.Hits)
            {
                context.Print.Result(hit, () => MessageText.Format(hit.Message, context.Print, TimeZoneInfo.Local, room is null ? hit.Room : null));
            }

            missing -= page.Hits.Count;
            after = page.Next;
        }
        while (after is not null && missing > 0);
    }

    private static int Count(VerbContext context) => context.Parsed.GetValue(Lines) is var count and >= 0
        ? count
        : throw new UsageException("--lines: expected 0 or more.");
}
