using System.Globalization;
using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Protocol;
using DChat.Server.Security;

namespace DChat.Server.Http;

/// <summary>Many accounts without a password, rooms that they are in, and a token for each: for load tests and imports.</summary>
internal sealed class BulkUsersEndpoint(RegistryWrites registry, SessionTokens tokens) : IApiEndpoints
{
    private const int CountMax = 20_000;
    private const int RoomsMax = 20_000;
    private const long MembershipsMax = 2_000_000;
    private const int RoomIdBytes = 12;

    /// <summary>Rooms that are made at once, so that the leader can put them into few entries.</summary>
    private const int RoomsAtOnce = 64;

    /// <summary>They have no password to sign in again with, so their tokens last through a long test.</summary>
    private static readonly TimeSpan TokenLifetime = TimeSpan.FromDays(1);

    public void Map(ApiRouter router) => router.Post("/api/admin/users/bulk", ApiAccess.Administrator, MakeAsync);

    private async Task<IResult> MakeAsync(ApiCall call)
    {
        var request = await call.ReadAsync(ProtocolJson.Wire.BulkUsersRequest);
        Check(request);
        var names = Enumerable.Range(0, request.Count).Select(i => string.Create(CultureInfo.InvariantCulture, $"{request.Prefix}{i}").ToLowerInvariant()).ToArray();

        foreach (var part in names.Chunk(RegistryBounds.BulkNames))
        {
            await registry.CommitAsync(new CreateAccounts(RegistryWrites.NewCommandId(), call.User, registry.Now, part), call.Aborted);
        }

        var rooms = new BulkRoom[request.Rooms];
        await Parallel.ForAsync(0, request.Rooms, new ParallelOptions { MaxDegreeOfParallelism = RoomsAtOnce, CancellationToken = call.Aborted }, async (i, cancellation) =>
        {
            var members = Enumerable.Range(0, request.MembersPerRoom).Select(j => (int)((((long)i * request.MembersPerRoom) + j) % request.Count)).ToArray();
            rooms[i] = new BulkRoom(await MakeRoomAsync(call.User, $"{request.Prefix}-room-{i}", [.. members.Select(member => names[member])], cancellation), members);
        });

        var issued = registry.State.Index;
        var users = names.Select(name => new BulkUser(name, tokens.IssueAccess(name, SessionTokens.NewSessionId(), issued, TokenLifetime))).ToArray();
        return ApiCall.Json(new BulkUsersAnswer(users, rooms), ProtocolJson.Wire.BulkUsersAnswer);
    }

    private async Task<string> MakeRoomAsync(string actor, string name, string[] members, CancellationToken cancellation)
    {
        if (registry.State.FindPublicRoom(name) is not { } room)
        {
            var made = await registry.CommitAsync(
                new CreateRoom(RegistryWrites.NewCommandId(), actor, registry.Now, RandomText.Hex(RoomIdBytes), name, null, RoomVisibility.Public, null, "", members[..Math.Min(members.Length, RegistryBounds.BulkNames)]),
                cancellation);
            room = registry.State.FindRoom(made.Outcome.Result)!;
        }

        foreach (var part in members.Chunk(RegistryBounds.BulkNames))
        {
            if (part.Any(member => registry.State.FindMembership(room, member) is null))
            {
                await registry.CommitAsync(new AddMembers(RegistryWrites.NewCommandId(), actor, registry.Now, room.Id, part), cancellation);
            }
        }

        return room.Id;
    }

    private static void Check(BulkUsersRequest request)
    {
        if (UserName.Check(request.Prefix + (CountMax - 1).ToString(CultureInfo.InvariantCulture), out _) is { } badName)
        {
            throw new ApiException(badName, "The prefix and a number make a user name: 2 to 32 of a-z 0-9 _ . -");
        }

        if (request.Count is < 1 or > CountMax)
        {
            throw new ApiException(ErrorCodes.InvalidArgument, $"Count is 1 to {CountMax}.");
        }

        if (request.Rooms is < 0 or > RoomsMax || request.MembersPerRoom < (request.Rooms > 0 ? 1 : 0) || request.MembersPerRoom > request.Count || (long)request.Rooms * request.MembersPerRoom > MembershipsMax)
        {
            throw new ApiException(ErrorCodes.InvalidArgument, $"Rooms is 0 to {RoomsMax}, membersPerRoom 1 to count, and the two multiplied at most {MembershipsMax}.");
        }
    }
}
