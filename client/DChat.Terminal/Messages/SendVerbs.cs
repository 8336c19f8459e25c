using System.CommandLine;
using DChat.Client;
using DChat.Protocol;
using DChat.Terminal.Invocation;
using DChat.Terminal.Rooms;

namespace DChat.Terminal.Messages;

/// <summary><c>send</c>, <c>dm</c>, <c>edit</c>, <c>delete</c>, <c>react</c>.</summary>
internal static class SendVerbs
{
    private static readonly Argument<string[]> Text = new("text") { Description = "The message. Without it, standard input is sent, line by line.", Arity = ArgumentArity.ZeroOrMore };
    private static readonly Argument<string[]> NewText = new("text") { Description = "The new text.", Arity = ArgumentArity.OneOrMore };
    private static readonly Argument<string> Peer = new("who") { Description = "The user to write to." };
    private static readonly Argument<long> Seq = new("seq") { Description = "The message's number, as shown behind the time." };
    private static readonly Argument<string> Emoji = new("emoji") { Description = "One emoji." };
    private static readonly Option<bool> Action = new("--action") { Description = "Say what you do, as /me does." };
    private static readonly Option<long?> Reply = new("--reply") { Description = "The number of the message that it answers.", HelpName = "SEQ" };
    private static readonly Option<bool> Whole = new("--whole") { Description = "Send all of standard input as one message." };
    private static readonly Option<bool> Remove = new("--remove") { Description = "Take the reaction back." };

    public static IEnumerable<Command> All()
    {
        yield return Verb.Create(
            "send",
            "Send a message; done when the server has it for good. Lines from standard input are sent in order, each once, over whatever reconnects it takes.",
            "dchat send garden \"The tomatoes are ripe\"\ntail -f build.log | dchat send builds\ngit diff | dchat send reviews --whole",
            [RoomVerbs.Room, Text, Action, Reply, Whole],
            (context, cancel) => SendAsync(context, context.Parsed.GetRequiredValue(RoomVerbs.Room), cancel));
        yield return Verb.Create(
            "dm",
            "Send a direct message to somebody.",
            "dchat dm bob \"Lunch?\"",
            [Peer, Text, Action, Reply, Whole],
            (context, cancel) => SendAsync(context, "@" + context.Parsed.GetRequiredValue(Peer).TrimStart('@'), cancel));
        yield return Verb.Create("edit", "Change the text of a message of yours.", "dchat edit garden 12 \"The tomatoes are nearly ripe\"", [RoomVerbs.Room, Seq, NewText], (context, cancel) =>
            ChangeAsync(context, (client, room, seq) => client.EditAsync(room, seq, string.Join(' ', context.Parsed.GetRequiredValue(NewText)), cancel), cancel));
        yield return Verb.Create("delete", "Delete a message of yours, or as a moderator anybody's.", "dchat delete garden 12", [RoomVerbs.Room, Seq], (context, cancel) =>
            ChangeAsync(context, (client, room, seq) => client.DeleteAsync(room, seq, cancel), cancel));
        yield return Verb.Create("react", "React to a message.", "dchat react garden 12 👍\ndchat react garden 12 👍 --remove", [RoomVerbs.Room, Seq, Emoji, Remove], (context, cancel) =>
            ChangeAsync(context, (client, room, seq) => client.ReactAsync(room, seq, context.Parsed.GetRequiredValue(Emoji), !context.Parsed.GetValue(Remove), cancel), cancel));
    }

    private static async Task SendAsync(VerbContext context, string roomName, CancellationToken cancel)
    {
        await using var client = await context.ConnectAsync(cancel);
        var room = await RoomNames.ResolveAsync(client, roomName, cancel);
        var words = context.Parsed.GetValue(Text) ?? [];
        var sender = new LineSender(client, room, context);
        if (words.Length > 0)
        {
            await sender.SendAsync(string.Join(' ', words), cancel);
        }
        else if (context.Parsed.GetValue(Whole))
        {
            await sender.SendAsync((await Console.In.ReadToEndAsync(cancel)).TrimEnd('\r', '\n'), cancel);
        }
        else
        {
            await sender.SendLinesAsync(Console.In, cancel);
        }
    }

    private static async Task ChangeAsync(VerbContext context, Func<ChatClient, string, long, Task<RevAnswer>> change, CancellationToken cancel)
    {
        await using var client = await context.ConnectAsync(cancel);
        var room = await RoomNames.ResolveAsync(client, context.Parsed.GetRequiredValue(RoomVerbs.Room), cancel);
        Confirm(context, await context.PatientlyAsync(change(client, room, context.Parsed.GetRequiredValue(Seq))));
    }

    /// <summary>That it worked is all there is to say, and silence says it; scripts get the answer.</summary>
    private static void Confirm(VerbContext context, object answer)
    {
        if (context.Print.Json)
        {
            context.Print.Write(Output.SafeJson.Write(answer));
        }
    }

    /// <summary>Sends one message after the other.</summary>
    private sealed class LineSender(ChatClient client, string room, VerbContext context)
    {
        public async Task SendLinesAsync(TextReader lines, CancellationToken cancel)
        {
            var number = 0L;
            while (await lines.ReadLineAsync(cancel) is { } line)
            {
                number++;
                if (string.IsNullOrWhiteSpace(line))
                {
                    continue;
                }

                try
                {
                    await SendAsync(line, cancel);
                }
                catch (ChatException e)
                {
                    throw new ChatException(e.Code, $"Line {number} was not sent: {e.Message}", e.RetryAfter, e);
                }
            }
        }

        public async Task SendAsync(string body, CancellationToken cancel)
        {
            var kind = context.Parsed.GetValue(Action) ? MessageKinds.Action : null;
            while (true)
            {
                try
                {
                    Confirm(context, await context.PatientlyAsync(client.SendAsync(room, body, kind, context.Parsed.GetValue(Reply), cancel: cancel)));
                    return;
                }
                catch (ChatException e) when (e.Code == ErrorCodes.SlowMode && e.RetryAfter is { } wait)
                {
                    // A script that feeds a room in slow mode goes at the room's pace.
                    context.Print.Note($"The room is in slow mode; going on in {Math.Ceiling(wait.TotalSeconds):0} s");
                    await Task.Delay(wait, cancel);
                }
            }
        }
    }
}
