using System.Runtime.CompilerServices;
using DChat.Protocol;

namespace DChat.Terminal.Ui;

/// <summary>Unsent texts as messages, each the same object every time, so that its layout is found again.</summary>
internal static class UnsentMessages
{
    private static readonly ConditionalWeakTable<string, Message> Known = [];

    public static Message Of(string id, string body, string? kind, long? replyTo, long at, string me) =>
        Known.GetValue(body, text => new Message(long.MaxValue, 0, kind ?? MessageKinds.Text, me, id, at, text, replyTo)) is var known && known.ClientId == id && known.ReplyTo == replyTo
            ? known
            : new Message(long.MaxValue, 0, kind ?? MessageKinds.Text, me, id, at, body, replyTo);
}
