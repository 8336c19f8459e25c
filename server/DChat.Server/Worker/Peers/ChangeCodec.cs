using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Nodes;
using DChat.Server.Worker.Host;
using AttachedFile = DChat.Core.Messages.AttachedFile;
using MessageKind = DChat.Core.Messages.MessageKind;
using React = DChat.Core.Messages.React;

namespace DChat.Server.Worker.Peers;

/// <summary>Changes and their outcomes as bytes on a peer link. What does not fit is an <see cref="InvalidDataException"/>.</summary>
internal static class ChangeCodec
{
    private enum Kind
    {
        Post = 0,
        Edit = 1,
        Delete = 2,
        React = 3,
    }

    public static void Write(PayloadWriter to, RoomChange change)
    {
        to.Number((long)KindOf(change)).Text(change.Author).Text(change.ClientId).Number(change.At);
        switch (change)
        {
            case PostMessage post:
                to.Number((long)post.Kind).Text(post.Body);
                WriteOptional(to, post.ReplyTo);
                to.Number(post.Files.Count);
                foreach (var file in post.Files)
                {
                    to.Text(file.Id).Text(file.Name).Number(file.Size).Text(file.Type);
                }

                WriteTexts(to, post.Mentions);
                break;
            case EditMessage edit:
                to.Number(edit.Seq).Text(edit.Body);
                WriteTexts(to, edit.Mentions);
                break;
            case DeleteMessage delete:
                to.Number(delete.Seq).Flag(delete.AsModerator);
                break;
            case React react:
                to.Number(react.Seq).Text(react.Emoji).Flag(react.On);
                break;
        }
    }

    public static RoomChange ReadChange(ref PayloadReader from)
    {
        var kind = (Kind)from.Count((int)Kind.React);
        var (author, clientId, at) = (from.Text(), from.Text(), from.Number());
        return kind switch
        {
            Kind.Post => new PostMessage(
                author, clientId, at, (MessageKind)from.Count((int)MessageKind.System), from.Text(), ReadOptional(ref from), ReadFiles(ref from), ReadTexts(ref from, PeerLimits.ChangeItems)),
            Kind.Edit => new EditMessage(author, clientId, at, from.Number(), from.Text(), ReadTexts(ref from, PeerLimits.ChangeItems)),
            Kind.Delete => new DeleteMessage(author, clientId, at, from.Number(), from.Flag()),
            _ => new React(author, clientId, at, from.Number(), from.Text(), from.Flag()),
        };
    }

    public static void Write(PayloadWriter to, HubError? error)
    {
        to.Flag(error is not null);
        if (error is not null)
        {
            to.Text(error.Code).Text(error.Message);
            WriteOptional(to, error.RetryAfterMs);
        }
    }

    public static HubError? ReadError(ref PayloadReader from) => from.Flag() ? new HubError(from.Text(), from.Text(), ReadOptional(ref from)) : null;

    public static void Write(PayloadWriter to, in ChangeOutcome outcome)
    {
        to.Number((long)outcome.End);
        if (outcome.End == ChangeEnd.Final)
        {
            Write(to, outcome.Error);
            to.Number(outcome.Answer.Seq).Number(outcome.Answer.Rev).Number(outcome.Answer.SentAt);
        }
    }

    public static ChangeOutcome ReadOutcome(ref PayloadReader from)
    {
        switch ((ChangeEnd)from.Count((int)ChangeEnd.StoreAway))
        {
            case ChangeEnd.Moved:
                return ChangeOutcome.Moved;
            case ChangeEnd.StoreAway:
                return ChangeOutcome.StoreAway;
            default:
                var error = ReadError(ref from);
                var answer = new ChangeAnswer(from.Number(), from.Number(), from.Number());
                return error is null ? ChangeOutcome.Of(answer) : ChangeOutcome.Failed(error);
        }
    }

    public static void WriteTexts(PayloadWriter to, IReadOnlyList<string> texts)
    {
        to.Number(texts.Count);
        foreach (var text in texts)
        {
            to.Text(text);
        }
    }

    public static List<string> ReadTexts(ref PayloadReader from, int max)
    {
        var count = from.Count(max);
        var texts = new List<string>();
        for (var i = 0; i < count; i++)
        {
            texts.Add(from.Text());
        }

        return texts;
    }

    /// <summary>A number of 0 or more, or none.</summary>
    public static void WriteOptional(PayloadWriter to, long? number)
    {
        to.Flag(number is not null);
        if (number is { } known)
        {
            to.Number(known);
        }
    }

    public static long? ReadOptional(ref PayloadReader from) => from.Flag() ? from.Number() : null;

    private static List<AttachedFile> ReadFiles(ref PayloadReader from)
    {
        var count = from.Count(PeerLimits.ChangeItems);
        var files = new List<AttachedFile>();
        for (var i = 0; i < count; i++)
        {
            files.Add(new AttachedFile(from.Text(), from.Text(), from.Number(), from.Text()));
        }

        return files;
    }

    private static Kind KindOf(RoomChange change) => change switch
    {
        PostMessage => Kind.Post,
        EditMessage => Kind.Edit,
        DeleteMessage => Kind.Delete,
        React => Kind.React,
        _ => throw new InvalidOperationException($"unknown change {change.GetType().Name}"),
    };
}
