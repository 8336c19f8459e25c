using DChat.Core.Messages;
using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Protocol;
using DChat.Server.Coordinator;
using DChat.Server.Worker.Host;

namespace DChat.Server.Worker.Calls;

/// <summary>Answers the host's questions from this worker's replica of the registry.</summary>
internal sealed class RegistryAuthority(RegistryReplica replica, WorkerIdentity identity, TimeProvider time) : IRoomAuthority
{
    public long? EpochOf(string room)
    {
        var state = replica.State;
        return state.FindRoom(room) is { } found && state.HostOf(found) is { } host && host.Worker == identity.Id ? host.Epoch : null;
    }

    public bool Exists(string room) => replica.State.FindRoom(room) is not null;

    public HubError? Check(string room, RoomChange change)
    {
        if (change.Author.Length == 0)
        {
            return null;
        }

        var action = change switch
        {
            PostMessage or React => RoomAction.Send,
            EditMessage => RoomAction.EditOwn,
            DeleteMessage { AsModerator: true } => RoomAction.DeleteOthers,
            DeleteMessage => RoomAction.DeleteOwn,
            _ => throw new InvalidOperationException($"unknown change {change.GetType().Name}"),
        };
        return RoomAccess.Check(replica.State, room, change.Author, action, time.GetUtcNow().ToUnixTimeMilliseconds()).Error;
    }

    public int SlowModeSeconds(string room) => replica.State.FindRoom(room)?.SlowModeSeconds ?? 0;

    public int SlowModeSeconds(string room, string user)
    {
        var state = replica.State;
        return state.FindRoom(room) is { SlowModeSeconds: > 0 } found
            && state.FindMembership(room, user) is { } member
            && !RoomRights.Allows(member.Role, RoomAction.IgnoreSlowMode)
                ? found.SlowModeSeconds
                : 0;
    }

    public IReadOnlyList<RoomNotice> NoticesOf(string room)
    {
        if (replica.State.FindRoom(room) is not { Notices.Count: > 0 } found)
        {
            return [];
        }

        var notices = new RoomNotice[found.Notices.Count];
        for (var i = 0; i < notices.Length; i++)
        {
            var notice = found.Notices[i];
            notices[i] = new RoomNotice(notice.Index, notice.Ordinal, notice.At, NoticeText.Of(notice));
        }

        return notices;
    }
}
