using DChat.Protocol;
using DChat.Server.Worker.Host;

namespace DChat.Server.Tests.Worker;

public sealed class RoomPresenceTests
{
    private static readonly object Gateway = new();

    [Fact]
    public void Once_they_are_few_enough_to_be_named_all_of_them_are_told()
    {
        var presence = new RoomPresence();
        var now = 1_000L;
        for (var i = 0; i < ProtocolLimits.PresenceNamesMax + 6; i++)
        {
            presence.Announce(Gateway, $"user{i}", PresenceState.Online, now);
        }

        Assert.False(presence.Take(now)!.Full);
        for (var i = 0; i < 300; i++)
        {
            presence.Announce(Gateway, $"user{i}", PresenceState.Offline, now);
        }

        presence.Announce(Gateway, "user400", PresenceState.Away, now);
        now += RoomPresence.OfflineAfterMs;
        var told = presence.Take(now)!;
        Assert.True(told.Full);
        Assert.Equal(presence.Names.Order(), told.Users.Select(one => one.User).Order());
        Assert.Equal(ProtocolLimits.PresenceNamesMax + 6 - 300, told.Users.Count);
        Assert.Contains(("user400", PresenceState.Away), told.Users);

        now += RoomPresence.CoalesceMs;
        presence.Announce(Gateway, "late", PresenceState.Online, now);
        var change = presence.Take(now)!;
        Assert.Equal((false, 1), (change.Full, change.Users.Count));
    }

    /// <summary>Who asked while there were too many got some of the names only, even if nothing was told meanwhile.</summary>
    [Fact]
    public void A_short_crowd_between_two_events_counts_too()
    {
        var presence = new RoomPresence();
        for (var i = 0; i <= ProtocolLimits.PresenceNamesMax; i++)
        {
            presence.Announce(Gateway, $"user{i}", PresenceState.Online, 1_000);
        }

        presence.Remove("user0");
        Assert.True(presence.Take(1_000)!.Full);
    }
}
