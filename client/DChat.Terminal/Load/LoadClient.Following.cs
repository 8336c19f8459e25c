using DChat.Protocol;
using DChat.Terminal.Load.Wire;

namespace DChat.Terminal.Load;

/// <summary>How a client comes to follow its rooms: one sync, then page after page of what it missed.</summary>
internal sealed partial class LoadClient
{
    private void RequestSync(Action onUp)
    {
        if (_run.Options.Bare)
        {
            JoinBareRooms(onUp);
            return;
        }

        AwaitPages();
        var revs = _memberships.Where(membership => membership.LastRev is not null)
            .ToDictionary(membership => membership.Room.Id, membership => membership.LastRev!.Value, StringComparer.Ordinal);
        Call(
            HubMethods.Sync,
            new SyncRequest(revs),
            ProtocolJson.Wire.SyncRequest,
            answer =>
            {
                _run.Syncs.ReadSync(answer, OnSynced);
                GoUp(onUp);
            },
            (code, text) => RetryOrGiveUp(HubMethods.Sync, code, text, () =>
            {
                Array.ForEach(_memberships, static membership => membership.PageFailed());
                RequestSync(onUp);
            }));
    }

    private void AwaitPages()
    {
        // Pages that a resync had asked for meanwhile still come, and count.
        Array.ForEach(_memberships, static membership => membership.AwaitPage());
    }

    private void JoinBareRooms(Action onUp)
    {
        AwaitPages();
        var left = _memberships.Length;
        foreach (var membership in _memberships)
        {
            Call(
                "join",
                new RoomRequest(membership.Room.Id),
                ProtocolJson.Wire.RoomRequest,
                _ =>
                {
                    membership.CatchUp(new SyncedRoom());
                    if (--left == 0)
                    {
                        GoUp(onUp);
                    }
                },
                (code, text) => RetryOrGiveUp("join", code, text, () => throw new IOException(text)));
        }
    }

    private void OnSynced(SyncedRoom synced)
    {
        if (_byRoom.TryGetValue(synced.Room, out var membership) && !membership.CatchUp(synced))
        {
            RequestPage(membership);
        }
    }

    private void RequestPage(Membership membership)
    {
        membership.AwaitPage();
        Call(
            HubMethods.Subscribe,
            new SubscribeRequest(membership.Room.Id, membership.LastRev),
            ProtocolJson.Wire.SubscribeRequest,
            answer => OnSynced(_run.Syncs.ReadSubscribe(answer)),
            (code, text) => RetryOrGiveUp(HubMethods.Subscribe, code, text, () =>
            {
                membership.PageFailed();
                RequestPage(membership);
            }));
    }
}
