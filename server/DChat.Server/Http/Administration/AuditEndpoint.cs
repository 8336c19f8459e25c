using DChat.Protocol;

namespace DChat.Server.Http.Administration;

/// <summary>Who moderated and administered what, newest first, for administrators.</summary>
internal sealed class AuditEndpoint(RegistryWrites registry) : IApiEndpoints
{
    public void Map(ApiRouter router) => router.Get("/api/admin/audit", ApiAccess.Administrator, call => Task.FromResult(Read(call)));

    private IResult Read(ApiCall call)
    {
        var (before, limit) = Pages.Read(call, "before");
        var lines = registry.State.AuditPage(before, limit + 1);
        var entries = lines.Take(limit).Select(line => new AuditEntry(line.Number, line.At, line.Actor, line.Action, line.Room, line.Subject, line.Text)).ToList();
        return ApiCall.Json(new AuditTrail(entries, lines.Count > limit ? entries[^1].Number : null), ProtocolJson.Wire.AuditTrail);
    }
}
