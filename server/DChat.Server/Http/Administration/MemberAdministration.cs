using DChat.Protocol;
using DChat.Server.EtcdMembers;
using DChat.Server.Worker.Joining;

namespace DChat.Server.Http.Administration;

/// <summary>The coordinators' own etcd members, for administrators.</summary>
internal sealed class MemberAdministration(IClusterMembership membership, RegistryWrites registry) : IApiEndpoints
{
    public void Map(ApiRouter router)
    {
        router.Get("/api/admin/members", ApiAccess.Administrator, call => AskAsync(call, new EtcdMemberRequest(null, false, call.User, RegistryWrites.NewCommandId(), registry.Now)));
        router.Post("/api/admin/members/{member}/replace", ApiAccess.Administrator, async call =>
        {
            var request = await call.ReadAsync(ProtocolJson.Wire.ReplaceMemberRequest);
            return await AskAsync(call, new EtcdMemberRequest(Parse($"{call.Route("member")}={request.Address}"), request.Force, call.User, RegistryWrites.NewCommandId(), registry.Now));
        });
    }

    private async Task<IResult> AskAsync(ApiCall call, EtcdMemberRequest request)
    {
        var answer = await membership.AskMembersAsync(request, call.Aborted)
            ?? throw new ApiException(ErrorCodes.Unavailable, request.Replacement is null
                ? "No coordinator answered in time; more than half of them must be up."
                : "No coordinator that leads answered in time; see whether it was done: dchat-server member list.");
        return answer.Members is { } members
            ? ApiCall.Json(members, ProtocolJson.Wire.AdminMembers)
            : throw new ApiException(answer.Error!, answer.Text!);
    }

    private static string Parse(string peer)
    {
        try
        {
            return PeerList.ParseOne(peer).ToString();
        }
        catch (FormatException problem)
        {
            throw new ApiException(ErrorCodes.InvalidArgument, problem.Message);
        }
    }
}
