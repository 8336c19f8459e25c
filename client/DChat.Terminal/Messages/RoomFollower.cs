using DChat.Client;
using DChat.Client.Connections;
using DChat.Client.Events;
using DChat.Protocol;
using DChat.Terminal.Output;

namespace DChat.Terminal.Messages;

/// <summary>Prints a room's messages as they come, each once and in order, over whatever reconnects it takes.</summary>
internal sealed class RoomFollower(ChatClient client, Printer print)
{
    private bool lost;

    public async Task RunAsync(string room, int lines, CancellationToken cancel)
    {
        using var events = client.Events();
        var followed = await client.FollowAsync(room, cancel);
        var known = followed.Messages;
        var newest = known.Count == 0 ? 0 : known[^1].Seq;
        foreach (var message in await ReadVerbs.LastAsync(client, room, newest + 1, lines, cancel))
        {
            Show("posted", room, message, null);
        }

        await foreach (var next in events.WithCancellation(cancel))
        {
            switch (next)
            {
                case ChatEvent.MessagePosted { Message: var message } when message.Seq > newest:
                    Show("posted", room, message, null);
                    break;
                case ChatEvent.MessageEdited { Message: var message }:
                    Show("edited", room, message, "edited");
                    break;
                case ChatEvent.MessageDeleted { Message: var message }:
                    Show("deleted", room, message, "deleted");
                    break;
                case ChatEvent.MessageReacted { Message: var message } when print.Json:
                    Show("reacted", room, message, null);
                    break;
                case ChatEvent.MessagesSkipped(_, var from, var to):
                    print.Note($"Messages #{from} to #{to} were missed: dchat history {room} --before {to + 1} -n {to - from + 1}");
                    break;
                case ChatEvent.RoomRemoved(_, var reason):
                    throw new ChatException(ErrorCodes.NotMember, $"You are no longer in the room ({reason}).");
                case ChatEvent.SignedOut(var reason):
                    throw new ChatException(ErrorCodes.NotSignedIn, reason);
                case ChatEvent.ConnectionChanged { Status: var status }:
                    Tell(status);
                    break;
                default:
                    break;
            }
        }
    }

    private void Show(string what, string room, Message message, string? note) =>
        print.Result(new { @event = what, room, message }, () => MessageText.Format(message, print, TimeZoneInfo.Local, note: note));

    private void Tell(ConnectionStatus status)
    {
        if (status.State == ConnectionState.Waiting && !lost)
        {
            lost = true;
            print.Note($"{status.Problem} Reconnecting…");
        }
        else if (status.State == ConnectionState.Online && lost)
        {
            lost = false;
            print.Note($"Connected again to {status.Server}");
        }
    }
}
