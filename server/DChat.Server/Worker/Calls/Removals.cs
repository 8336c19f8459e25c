using DChat.Core.Registry;
using DChat.Protocol;
using DChat.Server.Worker.Peers;

namespace DChat.Server.Worker.Calls;

/// <summary>
/// Carries out what takes a user's membership away. It is answered when the room's host knows of it too: gateways that do not yet are told what is
/// committed from then on together with how far they have to be first.
/// </summary>
internal sealed class Removals(RegistryCalls registry, RoomRoutes routes)
{
    public async ValueTask<Answer<Nothing>> CommitAsync(Command removal, string room)
    {
        var done = await registry.CommitQuietlyAsync(removal).ConfigureAwait(false);
        if (done.Error is null)
        {
            await routes.BarrierAsync(room).ConfigureAwait(false);
        }

        return done;
    }
}
