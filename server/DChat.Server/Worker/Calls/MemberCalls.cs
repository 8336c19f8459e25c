using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Protocol;
using DChat.Server.Worker.Peers;
using Member = DChat.Protocol.Member;

namespace DChat.Server.Worker.Calls;

/// <summary>The members of a room, and what is done with them.</summary>
internal sealed class MemberCalls(RegistryCalls registry, Removals removals, RoomRoutes routes)
{
    private const int PageDefault = 100;
    private const int MuteMinutesDefault = 60;
    private const long MinuteMs = 60_000;

    public async ValueTask<Answer<MembersAnswer>> ListAsync(Caller caller, MembersRequest request)
    {
        var state = registry.State;
        var access = RoomAccess.Check(state, request.Room, caller.Name, RoomAction.ListMembers, registry.Now());
        var limit = request.Limit ?? PageDefault;
        long after = -1;
        if (access.Error is not null)
        {
            return access.Error;
        }

        if (limit is < 1 or > ProtocolLimits.PageMax || (request.After is not null && !long.TryParse(request.After, out after)))
        {
            return BadPage;
        }

        var page = state.MembersPage(access.Room, after, limit + 1);
        var listed = page.Take(limit).ToList();
        var online = await routes.OnlineAsync(access.Room.Id, listed.ConvertAll(static member => member.User)).ConfigureAwait(false);
        var members = listed.Select((member, i) => new Member(
            member.User,
            state.FindAccount(member.User)?.DisplayName ?? member.User,
            RoomShapes.RoleName(member.Role)!,
            online[i])).ToList();
        return new MembersAnswer(members, page.Count > limit ? page[limit - 1].Cursor.ToString() : null);
    }

    public ValueTask<Answer<BansAnswer>> BansAsync(Caller caller, MembersRequest request)
    {
        var state = registry.State;
        var access = RoomAccess.Check(state, request.Room, caller.Name, RoomAction.ListBans, registry.Now());
        var limit = request.Limit ?? PageDefault;
        if (access.Error is not null)
        {
            return new(access.Error);
        }

        if (limit is < 1 or > ProtocolLimits.PageMax)
        {
            return new(BadPage);
        }

        var page = state.BansPage(access.Room, request.After, limit + 1);
        var bans = page.Take(limit).Select(ban => new Protocol.BanInfo(ban.User, ban.By, ban.Reason, ban.At)).ToList();
        return new(new BansAnswer(bans, page.Count > limit ? page[limit - 1].User : null));
    }

    public ValueTask<Answer<Nothing>> InviteAsync(Caller caller, MemberRequest request) =>
        registry.CommitQuietlyAsync(new Invite(RegistryCalls.NewId(), caller.Name, registry.Now(), request.Room ?? "", request.User ?? ""));

    public ValueTask<Answer<Nothing>> KickAsync(Caller caller, MemberRequest request) =>
        removals.CommitAsync(new Kick(RegistryCalls.NewId(), caller.Name, registry.Now(), request.Room ?? "", request.User ?? "", request.Reason), request.Room ?? "");

    public ValueTask<Answer<Nothing>> BanAsync(Caller caller, MemberRequest request) =>
        removals.CommitAsync(new Ban(RegistryCalls.NewId(), caller.Name, registry.Now(), request.Room ?? "", request.User ?? "", request.Reason), request.Room ?? "");

    public ValueTask<Answer<Nothing>> UnbanAsync(Caller caller, MemberRequest request) =>
        registry.CommitQuietlyAsync(new Unban(RegistryCalls.NewId(), caller.Name, registry.Now(), request.Room ?? "", request.User ?? ""));

    public ValueTask<Answer<Nothing>> MuteAsync(Caller caller, MemberRequest request)
    {
        var minutes = request.Minutes ?? MuteMinutesDefault;
        if (minutes is < 0 or > ProtocolLimits.MuteMinutesMax)
        {
            return new(new HubError(ErrorCodes.InvalidArgument, $"minutes is 1 to {ProtocolLimits.MuteMinutesMax}, or 0 to end the mute"));
        }

        var now = registry.Now();
        var until = minutes == 0 ? 0 : now + (minutes * MinuteMs);
        return registry.CommitQuietlyAsync(new Mute(RegistryCalls.NewId(), caller.Name, now, request.Room ?? "", request.User ?? "", until, request.Reason));
    }

    public ValueTask<Answer<Nothing>> SetRoleAsync(Caller caller, MemberRequest request)
    {
        RoomRole? role = request.Role switch
        {
            Roles.Owner => RoomRole.Owner,
            Roles.Moderator => RoomRole.Moderator,
            Roles.Member => RoomRole.Member,
            _ => null,
        };
        return role is { } known
            ? registry.CommitQuietlyAsync(new SetRole(RegistryCalls.NewId(), caller.Name, registry.Now(), request.Room ?? "", request.User ?? "", known))
            : new(new HubError(ErrorCodes.InvalidArgument, "role is owner, moderator or member"));
    }

    private static HubError BadPage { get; } = new(ErrorCodes.InvalidArgument, $"limit is 1 to {ProtocolLimits.PageMax}, after is the next of the page before");
}
