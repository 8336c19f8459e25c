using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Worker.Calls;

namespace DChat.Server.Worker.Hub;

/// <summary>Every method of the contract, and what it does.</summary>
internal sealed class HubTable(SyncCalls sync, RoomCalls rooms, MemberCalls members, MessageCalls messages, HubFaults faults)
{
    private static readonly ProtocolJson Wire = ProtocolJson.Wire;

    public IEnumerable<HubMethod> Methods() =>
    [
        Method(HubMethods.Sync, Wire.SyncRequest, sync.SyncAsync, static (json, answer) => answer.Write(json), SyncCalls.Synced),
        Method(HubMethods.Subscribe, Wire.SubscribeRequest, sync.SubscribeAsync, static (json, answer) => answer.Write(json)),
        Quiet(HubMethods.Unsubscribe, Wire.RoomRequest, sync.UnsubscribeAsync),
        Quiet(HubMethods.SetPresence, Wire.SetPresenceRequest, sync.SetPresenceAsync),

        Method(HubMethods.ListRooms, Wire.ListRoomsRequest, rooms.ListAsync, Wire.ListRoomsAnswer),
        Method(HubMethods.CreateRoom, Wire.CreateRoomRequest, rooms.CreateAsync, Wire.Room),
        Method(HubMethods.JoinRoom, Wire.JoinRoomRequest, rooms.JoinAsync, Wire.Room),
        Quiet(HubMethods.LeaveRoom, Wire.RoomRequest, rooms.LeaveAsync),
        Method(HubMethods.UpdateRoom, Wire.UpdateRoomRequest, rooms.UpdateAsync, Wire.Room),
        Quiet(HubMethods.DeleteRoom, Wire.RoomRequest, rooms.DeleteAsync),
        Method(HubMethods.OpenDirect, Wire.OpenDirectRequest, rooms.OpenDirectAsync, Wire.Room),

        Method(HubMethods.Members, Wire.MembersRequest, members.ListAsync, Wire.MembersAnswer),
        Method(HubMethods.Bans, Wire.MembersRequest, members.BansAsync, Wire.BansAnswer),
        Quiet(HubMethods.Invite, Wire.MemberRequest, members.InviteAsync),
        Quiet(HubMethods.Kick, Wire.MemberRequest, members.KickAsync),
        Quiet(HubMethods.Ban, Wire.MemberRequest, members.BanAsync),
        Quiet(HubMethods.Unban, Wire.MemberRequest, members.UnbanAsync),
        Quiet(HubMethods.Mute, Wire.MemberRequest, members.MuteAsync),
        Quiet(HubMethods.SetRole, Wire.MemberRequest, members.SetRoleAsync),

        Change(HubMethods.Send, Wire.SendRequest, static (calls, caller, request) => calls.Send(caller, request), WriteSent),
        Change(HubMethods.Edit, Wire.EditRequest, static (calls, caller, request) => calls.Edit(caller, request), WriteRev),
        Change(HubMethods.Delete, Wire.DeleteRequest, static (calls, caller, request) => calls.Delete(caller, request), WriteRev),
        Change(HubMethods.React, Wire.ReactRequest, static (calls, caller, request) => calls.React(caller, request), WriteRev),
        Method(HubMethods.History, Wire.HistoryRequest, messages.HistoryAsync, WriteHistory),
        Method(HubMethods.Search, Wire.SearchRequest, messages.SearchAsync, WriteHits),
        Quiet(HubMethods.MarkRead, Wire.MarkReadRequest, messages.MarkReadAsync),
        Quiet(HubMethods.Typing, Wire.RoomRequest, messages.TypingAsync),
    ];

    /// <summary>The answer of <c>history</c>, over HTTP too.</summary>
    public static void WriteHistory(Utf8JsonWriter json, MessagesPage page)
    {
        json.WriteStartObject();
        json.WritePropertyName("messages"u8);
        MessageText.Write(json, page.Messages);
        json.WriteBoolean("more"u8, page.More);
        json.WriteEndObject();
    }

    /// <summary>The answer of <c>send</c>, over HTTP too.</summary>
    public static void WriteSent(Utf8JsonWriter json, ChangeAnswer answer)
    {
        json.WriteStartObject();
        json.WriteNumber("seq"u8, answer.Seq);
        json.WriteNumber("rev"u8, answer.Rev);
        json.WriteNumber("sentAt"u8, answer.SentAt);
        json.WriteEndObject();
    }

    private static void WriteRev(Utf8JsonWriter json, ChangeAnswer answer)
    {
        json.WriteStartObject();
        json.WriteNumber("rev"u8, answer.Rev);
        json.WriteEndObject();
    }

    private static void WriteHits(Utf8JsonWriter json, SearchPage page)
    {
        json.WriteStartObject();
        json.WriteStartArray("hits"u8);
        foreach (var hit in page.Hits)
        {
            json.WriteStartObject();
            json.WriteString("room"u8, hit.Room);
            json.WritePropertyName("message"u8);
            MessageText.Write(json, hit.Message);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (page.Next is not null)
        {
            json.WriteString("next"u8, page.Next);
        }

        json.WriteEndObject();
    }

    private HubMethod<TRequest, TAnswer> Method<TRequest, TAnswer>(
        string name,
        JsonTypeInfo<TRequest> binding,
        Func<Caller, TRequest, ValueTask<Answer<TAnswer>>> handle,
        Action<Utf8JsonWriter, TAnswer> write,
        Action<Caller, TAnswer>? answered = null)
        where TRequest : class =>
        new(name, binding, handle, write, faults, answered);

    private HubMethod<TRequest, TAnswer> Method<TRequest, TAnswer>(
        string name,
        JsonTypeInfo<TRequest> binding,
        Func<Caller, TRequest, ValueTask<Answer<TAnswer>>> handle,
        JsonTypeInfo<TAnswer> answerType)
        where TRequest : class =>
        new(name, binding, handle, (json, answer) => JsonSerializer.Serialize(json, answer, answerType), faults);

    private HubMethod<TRequest, Nothing> Quiet<TRequest>(string name, JsonTypeInfo<TRequest> binding, Func<Caller, TRequest, ValueTask<Answer<Nothing>>> handle)
        where TRequest : class =>
        new(name, binding, handle, static (json, _) => json.WriteNullValue(), faults);

    private ChangeCall<TRequest> Change<TRequest>(
        string name,
        JsonTypeInfo<TRequest> binding,
        Func<MessageCalls, Caller, TRequest, ChangePlan> plan,
        Action<Utf8JsonWriter, ChangeAnswer> write)
        where TRequest : class =>
        new(name, binding, messages, plan, write, faults);
}
