using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace DChat.Protocol;

/// <summary>How the contract's types stand on the wire: camelCase, absent instead of null, unknown properties ignored.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.Strict,
    RespectNullableAnnotations = false)]
[JsonSerializable(typeof(SyncRequest))]
[JsonSerializable(typeof(SyncAnswer))]
[JsonSerializable(typeof(SubscribeRequest))]
[JsonSerializable(typeof(RoomRequest))]
[JsonSerializable(typeof(ListRoomsRequest))]
[JsonSerializable(typeof(ListRoomsAnswer))]
[JsonSerializable(typeof(CreateRoomRequest))]
[JsonSerializable(typeof(JoinRoomRequest))]
[JsonSerializable(typeof(UpdateRoomRequest))]
[JsonSerializable(typeof(MembersRequest))]
[JsonSerializable(typeof(MembersAnswer))]
[JsonSerializable(typeof(BansAnswer))]
[JsonSerializable(typeof(MemberRequest))]
[JsonSerializable(typeof(OpenDirectRequest))]
[JsonSerializable(typeof(SendRequest))]
[JsonSerializable(typeof(SendAnswer))]
[JsonSerializable(typeof(EditRequest))]
[JsonSerializable(typeof(DeleteRequest))]
[JsonSerializable(typeof(ReactRequest))]
[JsonSerializable(typeof(RevAnswer))]
[JsonSerializable(typeof(HistoryRequest))]
[JsonSerializable(typeof(HistoryAnswer))]
[JsonSerializable(typeof(SearchRequest))]
[JsonSerializable(typeof(SearchAnswer))]
[JsonSerializable(typeof(MarkReadRequest))]
[JsonSerializable(typeof(SetPresenceRequest))]
[JsonSerializable(typeof(Nothing))]
[JsonSerializable(typeof(RoomEvents))]
[JsonSerializable(typeof(PresenceChanged))]
[JsonSerializable(typeof(TypingChanged))]
[JsonSerializable(typeof(RoomChanged))]
[JsonSerializable(typeof(RoomRemoved))]
[JsonSerializable(typeof(ReadMarkMoved))]
[JsonSerializable(typeof(ResyncNeeded))]
[JsonSerializable(typeof(ReconnectAsked))]
[JsonSerializable(typeof(ReconnectSpread))]
[JsonSerializable(typeof(SignedOut))]
[JsonSerializable(typeof(RegisterRequest))]
[JsonSerializable(typeof(LoginRequest))]
[JsonSerializable(typeof(RefreshRequest))]
[JsonSerializable(typeof(TokenAnswer))]
[JsonSerializable(typeof(PasswordRequest))]
[JsonSerializable(typeof(ProfileRequest))]
[JsonSerializable(typeof(CloseAccountRequest))]
[JsonSerializable(typeof(NewTokenRequest))]
[JsonSerializable(typeof(ApiTokens))]
[JsonSerializable(typeof(InfoAnswer))]
[JsonSerializable(typeof(PostMessageRequest))]
[JsonSerializable(typeof(BulkUsersRequest))]
[JsonSerializable(typeof(BulkUsersAnswer))]
[JsonSerializable(typeof(DisableAccountRequest))]
[JsonSerializable(typeof(NewInvitationRequest))]
[JsonSerializable(typeof(InvitationAnswer))]
[JsonSerializable(typeof(ClusterStatus))]
[JsonSerializable(typeof(AdminMembers))]
[JsonSerializable(typeof(ReplaceMemberRequest))]
[JsonSerializable(typeof(AdminRooms))]
[JsonSerializable(typeof(AdminRoom))]
[JsonSerializable(typeof(ExportEnd))]
[JsonSerializable(typeof(MoveRoomRequest))]
[JsonSerializable(typeof(AdminUsers))]
[JsonSerializable(typeof(AuditTrail))]
[JsonSerializable(typeof(Problem))]
public sealed partial class ProtocolJson : JsonSerializerContext
{
    /// <summary>
    /// The context to use: it leaves everything but what JSON demands unescaped, so that text beyond ASCII
    /// costs its UTF-8 bytes and not six or twelve for each character.
    /// </summary>
    public static ProtocolJson Wire { get; } = new(new JsonSerializerOptions(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.Strict,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
