using System.Text.Json.Nodes;
using DChat.Protocol;
using DChat.Server.Tests.Contract;
using DChat.TestKit;

namespace DChat.Server.Tests.Peers;

/// <summary>Follows a room as the contract has it: subscribes again from where it is when it is told to, and repeats what is unavailable for the moment.</summary>
internal sealed class FollowingClient(HubProbe hub, string room)
{
    public HubProbe Hub => hub;

    public RoomView View { get; } = new(room);

    public Task StartAsync() => CatchUpAsync(null);

    public async Task FollowAsync(long rev)
    {
        while (View.Rev < rev)
        {
            // In the order in which they came: what is told after a resync belongs to no subscription.
            var next = await hub.NextOfAsync(["events", "resync"], told => (string)told["room"]! == room);
            if (next["events"] is null)
            {
                await CatchUpAsync(View.Rev);
            }
            else if ((long)next["events"]![0]!["rev"]! > View.Rev)
            {
                View.Take(next);
            }
        }
    }

    private Task CatchUpAsync(long? afterRev) => Eventually.Holds(async () =>
    {
        try
        {
            await View.CatchUpAsync(hub, afterRev);
            return true;
        }
        catch (HubCallFailedException refused) when (refused.Error?.Code == ErrorCodes.Unavailable)
        {
            return false;
        }
    });
}
