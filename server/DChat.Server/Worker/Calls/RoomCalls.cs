using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Protocol;
using DChat.Server.Cli;
using DChat.Server.Worker.Gateway;

namespace DChat.Server.Worker.Calls;

/// <summary>Making, finding, entering, leaving and changing rooms.</summary>
internal sealed class RoomCalls(
    RegistryCalls registry,
    Removals removals,
    ChatGateway gateway,
    RoomDirectory directory,
    DeletedRooms deleted,
    RoomPasswords passwords,
    WorkerIdentity identity,
    LimitsOptions limits)
{
    private const int ListDefault = 50;

    public ValueTask<Answer<ListRoomsAnswer>> ListAsync(Caller caller, ListRoomsRequest request)
    {
        var limit = request.Limit ?? ListDefault;
        if (limit is < 1 or > ProtocolLimits.PageMax)
        {
            return new(new HubError(ErrorCodes.InvalidArgument, $"limit is 1 to {ProtocolLimits.PageMax}"));
        }

        return request.Query is { Length: > ProtocolLimits.RoomNameMax }
            ? new(new HubError(ErrorCodes.InvalidArgument, $"query is at most {ProtocolLimits.RoomNameMax} characters"))
            : new(directory.List(caller.Name, request.Query, request.After, limit));
    }

    public async ValueTask<Answer<Protocol.Room>> CreateAsync(Caller caller, CreateRoomRequest request)
    {
        RoomVisibility? visibility = Visibility(request.Visibility ?? Visibilities.Public);
        if (visibility is null)
        {
            return new HubError(ErrorCodes.InvalidArgument, "visibility is public or private");
        }

        if ((CheckTexts(request.Name ?? "", request.Topic) ?? CheckPassword(request.Password) ?? CheckCommandId(request.CommandId)) is { } bad)
        {
            return bad;
        }

        var hash = await HashAsync(request.Password, whenEmpty: null).ConfigureAwait(false);
        if (hash.Error is not null)
        {
            return hash.Error;
        }

        var command = new CreateRoom(request.CommandId ?? RegistryCalls.NewId(), caller.Name, registry.Now(), RegistryCalls.NewId(), request.Name ?? "", request.Topic, visibility.Value, hash.Value, identity.Id);
        return await EnterAsync(caller, await registry.CommitAsync(command).ConfigureAwait(false)).ConfigureAwait(false);
    }

    public async ValueTask<Answer<Protocol.Room>> JoinAsync(Caller caller, JoinRoomRequest request)
    {
        if (string.IsNullOrEmpty(request.Room) || request.Password is { Length: > ProtocolLimits.PasswordMax })
        {
            return new HubError(ErrorCodes.InvalidArgument, "give a room's id, or the name of a public room, and a password of at most 256 characters");
        }

        var state = registry.State;
        if (state.FindRoomOrName(request.Room) is not { } room)
        {
            return RoomAccess.NoSuchRoom;
        }

        int? version = null;
        var role = state.RoleOf(room, caller.Name);
        if (room.HasPassword && role == RoomRole.None && !string.IsNullOrEmpty(request.Password))
        {
            // What one may not know of stays unknown, whatever the password.
            if (RoomAccess.Check(state, room.Id, caller.Name, RoomAction.Join, registry.Now()).Error is { } closed)
            {
                return closed;
            }

            var right = await passwords.VerifyAsync(caller.Name, room, request.Password).ConfigureAwait(false);
            if (right.Error is not null || !right.Value)
            {
                return right.Error ?? new HubError(ErrorCodes.WrongPassword, "wrong password");
            }

            version = room.PasswordVersion;
        }

        var command = new JoinRoom(RegistryCalls.NewId(), caller.Name, registry.Now(), room.Id, version);
        return await EnterAsync(caller, await registry.CommitAsync(command).ConfigureAwait(false)).ConfigureAwait(false);
    }

    public ValueTask<Answer<Nothing>> LeaveAsync(Caller caller, RoomRequest request) =>
        removals.CommitAsync(new LeaveRoom(RegistryCalls.NewId(), caller.Name, registry.Now(), request.Room ?? ""), request.Room ?? "");

    public async ValueTask<Answer<Protocol.Room>> UpdateAsync(Caller caller, UpdateRoomRequest request)
    {
        var visibility = request.Visibility is null ? null : Visibility(request.Visibility);
        if (request.Visibility is not null && visibility is null)
        {
            return new HubError(ErrorCodes.InvalidArgument, "visibility is public or private");
        }

        if ((CheckTexts(request.Name ?? "", request.Topic) ?? CheckPassword(request.Password)) is { } bad)
        {
            return bad;
        }

        var hash = await HashAsync(request.Password, whenEmpty: []).ConfigureAwait(false);
        if (hash.Error is not null)
        {
            return hash.Error;
        }

        var command = new UpdateRoom(RegistryCalls.NewId(), caller.Name, registry.Now(), request.Room ?? "", request.Name, request.Topic, visibility, hash.Value, request.SlowModeSeconds, request.Archived, request.RetentionDays);
        var done = await registry.CommitAsync(command).ConfigureAwait(false);
        if (done.Error is not null)
        {
            return done.Error;
        }

        // Whoever was allowed to change it is told what became of it: also an administrator who does not see the room otherwise.
        var state = registry.State;
        return state.FindRoom(done.Value!) is { } room ? RoomShapes.ToWire(state, room, caller.Name) : RoomAccess.NoSuchRoom;
    }

    public async ValueTask<Answer<Nothing>> DeleteAsync(Caller caller, RoomRequest request)
    {
        var command = new DeleteRoom(RegistryCalls.NewId(), caller.Name, registry.Now(), request.Room ?? "");
        var done = await registry.CommitQuietlyAsync(command).ConfigureAwait(false);
        var isClosed = done.Error is null ? await deleted.CloseAsync(command.Room).ConfigureAwait(false)
            : done.Error.Code != ErrorCodes.NotFound || await deleted.CloseUnknownAsync(command.Room).ConfigureAwait(false);
        return isClosed ? done : new HubError(ErrorCodes.Unavailable, DeletedRooms.NotClosedYet);
    }

    public async ValueTask<Answer<Protocol.Room>> OpenDirectAsync(Caller caller, OpenDirectRequest request)
    {
        var command = new OpenDirect(RegistryCalls.NewId(), caller.Name, registry.Now(), RegistryCalls.NewId(), request.User ?? "", identity.Id);
        return await EnterAsync(caller, await registry.CommitAsync(command).ConfigureAwait(false)).ConfigureAwait(false);
    }

    /// <summary>Answers a room that the caller is in now, and not before its connection follows it.</summary>
    private async ValueTask<Answer<Protocol.Room>> EnterAsync(Caller caller, Answer<string> entered)
    {
        if (entered.Error is not null)
        {
            return entered.Error;
        }

        if (caller.Connection is { FollowsRooms: true } connection)
        {
            await gateway.JoinAsync(connection, entered.Value!).ConfigureAwait(false);
        }

        return Describe(caller, entered.Value!);
    }

    private Answer<Protocol.Room> Describe(Caller caller, string room)
    {
        // A repeat may ask for a room that the caller has left since.
        var state = registry.State;
        var access = RoomAccess.Check(state, room, caller.Name, RoomAction.See, registry.Now());
        return access.Error is null ? RoomShapes.ToWire(state, access.Room, caller.Name) : access.Error;
    }

    private async ValueTask<Answer<byte[]?>> HashAsync(string? password, byte[]? whenEmpty)
    {
        if (string.IsNullOrEmpty(password))
        {
            return password is null ? null : whenEmpty;
        }

        var hash = await passwords.HashAsync(password).ConfigureAwait(false);
        return hash.Error is not null ? hash.Error : hash.Value;
    }

    private HubError? CheckTexts(string name, string? topic) =>
        name.Length > limits.RoomNameChars ? new HubError(ErrorCodes.InvalidArgument, $"a room's name has at most {limits.RoomNameChars} characters")
        : topic is not null && !TextRules.HasAtMost(topic, limits.TopicCodePoints) ? new HubError(ErrorCodes.InvalidArgument, $"a topic has at most {limits.TopicCodePoints} characters")
        : null;

    private static HubError? CheckPassword(string? password) =>
        password is { Length: > ProtocolLimits.PasswordMax } ? new HubError(ErrorCodes.InvalidArgument, $"a room's password has at most {ProtocolLimits.PasswordMax} characters") : null;

    private static HubError? CheckCommandId(string? id) =>
        id is not null && RoomTexts.CheckClientId(id) is { } code ? new HubError(code, "commandId is 1 to 64 characters") : null;

    private static RoomVisibility? Visibility(string word) => word switch
    {
        Visibilities.Public => RoomVisibility.Public,
        Visibilities.Private => RoomVisibility.Private,
        _ => null,
    };
}
