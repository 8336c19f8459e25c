using System.Text.Json;
using DChat.Core.Messages;
using DChat.Protocol;
using Message = DChat.Core.Messages.Message;
using ReactionChange = DChat.Core.Messages.ReactionChange;
using RoomEvent = DChat.Core.Messages.RoomEvent;

namespace DChat.Server.Worker.Hub;

/// <summary>How messages and their events stand on the wire. Written by hand: this is done for every message.</summary>
internal static class MessageText
{
    public static void Write(Utf8JsonWriter json, Message message)
    {
        json.WriteStartObject();
        json.WriteNumber("seq"u8, message.Seq);
        json.WriteNumber("rev"u8, message.Rev);
        json.WriteString("kind"u8, KindName(message.Kind));
        json.WriteString("author"u8, message.Author);
        json.WriteString("clientId"u8, message.ClientId);
        json.WriteNumber("sentAt"u8, message.SentAt);
        json.WriteString("body"u8, message.Body);
        WriteOptional(json, "replyTo"u8, message.ReplyTo);
        WriteOptional(json, "editedAt"u8, message.EditedAt);
        WriteOptional(json, "deletedAt"u8, message.DeletedAt);
        if (message.Files.Count > 0)
        {
            WriteFiles(json, message.Files);
        }

        if (message.Reactions.Count > 0)
        {
            WriteReactions(json, message.Reactions);
        }

        if (message.Mine.Count > 0)
        {
            json.WriteStartArray("mine"u8);
            foreach (var emoji in message.Mine)
            {
                json.WriteStringValue(emoji);
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    /// <summary>Writes an event and answers where its message stands in the writer's output, as (start, end) counted in bytes.</summary>
    public static (int Start, int End) Write(HubText.Scratch text, RoomEvent change)
    {
        var json = text.Json;
        json.WriteStartObject();
        json.WriteNumber("rev"u8, change.Rev);
        json.WriteString("kind"u8, KindName(change.Kind));
        json.WritePropertyName("message"u8);
        var start = text.Length;
        Write(json, change.Message);
        var end = text.Length;
        if (change.Reaction is { } reaction)
        {
            json.WriteStartObject("reaction"u8);
            json.WriteString("user"u8, reaction.User);
            json.WriteString("emoji"u8, reaction.Emoji);
            json.WriteBoolean("on"u8, reaction.On);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        return (start, end);
    }

    public static void Write(Utf8JsonWriter json, IReadOnlyList<Message> messages)
    {
        json.WriteStartArray();
        foreach (var message in messages)
        {
            Write(json, message);
        }

        json.WriteEndArray();
    }

    private static ReadOnlySpan<byte> KindName(MessageKind kind) => kind switch
    {
        MessageKind.Text => "text"u8,
        MessageKind.Action => "action"u8,
        MessageKind.System => "system"u8,
        _ => throw new InvalidOperationException($"unknown message kind {kind}"),
    };

    private static ReadOnlySpan<byte> KindName(RoomEventKind kind) => kind switch
    {
        RoomEventKind.Posted => "posted"u8,
        RoomEventKind.Edited => "edited"u8,
        RoomEventKind.Deleted => "deleted"u8,
        RoomEventKind.Reacted => "reacted"u8,
        _ => throw new InvalidOperationException($"unknown event kind {kind}"),
    };

    private static void WriteOptional(Utf8JsonWriter json, ReadOnlySpan<byte> name, long? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, number);
        }
    }

    private static void WriteFiles(Utf8JsonWriter json, IReadOnlyList<AttachedFile> files)
    {
        json.WriteStartArray("files"u8);
        foreach (var file in files)
        {
            json.WriteStartObject();
            json.WriteString("id"u8, file.Id);
            json.WriteString("name"u8, file.Name);
            json.WriteNumber("size"u8, file.Size);
            json.WriteString("type"u8, file.Type);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteReactions(Utf8JsonWriter json, IReadOnlyList<Reaction> reactions)
    {
        json.WriteStartObject("reactions"u8);
        foreach (var reaction in reactions)
        {
            json.WriteStartObject(reaction.Emoji);
            json.WriteNumber("count"u8, reaction.Count);
            json.WriteStartArray("users"u8);
            foreach (var user in reaction.Users)
            {
                json.WriteStringValue(user);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }
}
