using System.Buffers;
using System.Text.Json;
using DChat.Core.Messages;
using DChat.Core.Rooms;
using DChat.Protocol;
using DChat.Server.Coordinator;
using DChat.Server.Worker.Gateway;
using DChat.Server.Worker.Host;
using DChat.Server.Worker.Peers;
using DChat.Server.Worker.Hub;
using Message = DChat.Core.Messages.Message;

namespace DChat.Server.Worker.Calls;

/// <summary>Subscribing and resuming: from an answer on, a connection is told everything, and nothing is missing before it.</summary>
/// <remarks>
/// The connection is attached to the feed first, at revision R; then what changed up to R is read. What is newer than R in
/// that reading is left out: it comes as a live event. A room whose host is away keeps nobody from the others: <c>sync</c> answers it
/// without messages, at the revision that the client named, and <c>resync</c> asks the client to subscribe to it.
/// </remarks>
internal sealed class SyncCalls(
    RegistryReplica replica,
    ChatGateway gateway,
    RoomRoutes routes,
    IMessageStore store,
    ReadMarks marks,
    ServerInfo server,
    TimeProvider time)
{
    /// <summary>Messages of a fresh page.</summary>
    private const int FreshPage = 50;

    /// <summary>Of what stands in the answer of <c>sync</c> beside rooms and invitations: at most so many bytes.</summary>
    private const int SyncFrameBytes = 16 * 1024;

    /// <summary>Rooms whose messages are read at the same time, for one <c>sync</c>.</summary>
    private const int ReadAtOnce = 16;

    /// <summary>How long a gateway usually is behind another at the most: then the store is asked whether the room ever was so far.</summary>
    private static readonly TimeSpan UsuallyBehind = TimeSpan.FromMilliseconds(250);

    /// <summary>How long a client that was shown more waits for this gateway to be told it.</summary>
    private static readonly TimeSpan BehindMax = TimeSpan.FromSeconds(2);

    /// <summary>How long <c>sync</c> waits for a room while others are there: most fail-overs are over by then.</summary>
    private static readonly TimeSpan PatienceWithOne = TimeSpan.FromSeconds(3);

    private static readonly HubError NotNow = new(ErrorCodes.Unavailable, "a room cannot be served now; try again");

    public async ValueTask<Answer<SyncText>> SyncAsync(Caller caller, SyncRequest request)
    {
        var connection = caller.Connection!;
        connection.FollowsRooms = true; // First: rooms joined from now on come by themselves.
        var state = replica.State;
        var rooms = state.RoomsOf(caller.Name);
        var attached = await AttachAsync(connection, [.. rooms.Select(room => (room.Id, AfterRev(request, room.Id)))]).ConfigureAwait(false);
        if (attached is null)
        {
            return NotNow;
        }

        state = replica.State;
        var ids = attached.ConvertAll(static room => room.Id);
        var read = await marks.ReadAsync(caller.Name, ids).ConfigureAwait(false);
        var synced = new List<RoomSyncText>(attached.Count);
        var left = new List<byte[]>();
        var messagesLeft = ProtocolLimits.SyncMessagesMax;
        var invitations = state.InvitationsOf(caller.Name).Select(invitation => RoomText.BareOf(RoomShapes.ToWire(state, invitation.Room, caller.Name))).ToList();

        // What every room costs at the least is set aside first: the last of them stands in the answer as surely as the first.
        var bare = ids.ConvertAll(id => state.FindRoom(id) is { } room ? RoomText.BareOf(RoomShapes.ToWire(state, room, caller.Name)) : default);
        var bytesLeft = ProtocolLimits.SyncBytesMax - SyncFrameBytes - invitations.Sum(CostOf) - bare.Sum(CostOf);
        for (var start = 0; start < attached.Count; start += ReadAtOnce)
        {
            var limit = Math.Min(messagesLeft, ProtocolLimits.PageMax);
            var reading = attached.Skip(start).Take(ReadAtOnce).Select(room =>
                room.Rev is { } rev ? ReadAsync(caller.Name, room.Id, AfterRev(request, room.Id), rev, limit).AsTask() : NotReached(AfterRev(request, room.Id))).ToList();
            for (var i = 0; i < reading.Count; i++)
            {
                var (page, glance) = await reading[i].ConfigureAwait(false);
                var (id, reached) = attached[start + i];
                if (state.FindRoom(id) is not { } room)
                {
                    continue;
                }

                var rev = reached ?? Math.Max(AfterRev(request, id) ?? 0, 0);
                if (reached is null)
                {
                    left.Add(Subscription.ResyncFrame(id, rev));
                }

                if (page.Count > messagesLeft)
                {
                    // Read together with others that took what there was.
                    (page, glance) = messagesLeft > 0
                        ? await ReadAsync(caller.Name, id, AfterRev(request, id), rev, messagesLeft).ConfigureAwait(false)
                        : (page with { Messages = "[]"u8.ToArray(), Count = 0, More = true }, glance);
                }

                bytesLeft += CostOf(bare[start + i]);
                var whole = Build(RoomShapes.ToWire(state, room, caller.Name), rev, page, glance, read[start + i]);
                var text = whole.Fit(bytesLeft, bare[start + i]);
                messagesLeft -= text.Messages.Equals(whole.Messages) ? page.Count : 0;
                bytesLeft -= text.Bytes;
                synced.Add(text);
            }
        }

        var account = state.FindAccount(caller.Name);
        var me = new Me(caller.Name, account?.DisplayName ?? caller.Name, account is { IsAdmin: true } ? ["admin"] : []);
        return new SyncText(me, server, synced, invitations, left);
    }

    /// <summary>After the answer of <c>sync</c>: the client subscribes by itself to the rooms that could not be served.</summary>
    public static void Synced(Caller caller, SyncText answer)
    {
        foreach (var frame in answer.NotReached)
        {
            caller.Connection!.Outbox.WriteFrame(frame);
        }
    }

    public async ValueTask<Answer<RoomSyncText>> SubscribeAsync(Caller caller, SubscribeRequest request)
    {
        var access = RoomAccess.Check(replica.State, request.Room, caller.Name, RoomAction.Read, Now());
        if (access.Error is not null)
        {
            return access.Error;
        }

        if (request.AfterRev is < 0)
        {
            return new HubError(ErrorCodes.InvalidArgument, "afterRev is the last rev seen, 0 or more");
        }

        if (await FollowAsync(caller.Connection!, request.Room!, request.AfterRev).ConfigureAwait(false) is not { } rev)
        {
            return RoomAccess.Check(replica.State, request.Room, caller.Name, RoomAction.Read, Now()).Error ?? NotNow;
        }

        var read = await marks.ReadAsync(caller.Name, [request.Room!]).ConfigureAwait(false);
        var (page, glance) = await ReadAsync(caller.Name, request.Room!, request.AfterRev, rev, ProtocolLimits.PageMax).ConfigureAwait(false);
        var state = replica.State;
        return state.FindRoom(request.Room!) is { } room
            ? Build(RoomShapes.ToWire(state, room, caller.Name), rev, page, glance, read[0])
            : RoomAccess.NoSuchRoom;
    }

    public ValueTask<Answer<Nothing>> UnsubscribeAsync(Caller caller, RoomRequest request)
    {
        if (RoomAccess.CheckId(request.Room) is { } bad)
        {
            return new(bad);
        }

        gateway.Unfollow(caller.Connection!, request.Room!);
        return new(new Nothing());
    }

    public ValueTask<Answer<Nothing>> SetPresenceAsync(Caller caller, SetPresenceRequest request)
    {
        PresenceState? state = request.State switch
        {
            PresenceStates.Online => PresenceState.Online,
            PresenceStates.Away => PresenceState.Away,
            _ => null,
        };
        if (state is not { } known)
        {
            return new(new HubError(ErrorCodes.InvalidArgument, "state is online or away"));
        }

        if (caller.Connection!.Presence != known)
        {
            caller.Connection.Presence = known;
            gateway.AnnounceState(caller.User);
        }

        return new(new Nothing());
    }

    /// <summary>
    /// Subscribes a connection that was shown a room up to a revision, perhaps by another gateway, which heard of it earlier: nobody is taken
    /// back behind what he saw. Null where the room cannot be served now, or this gateway, cut off from its host, does not get so far.
    /// </summary>
    private async ValueTask<long?> FollowAsync(ChatConnection connection, string room, long? shownRev, TimeSpan? open = null)
    {
        if (shownRev is { } shown && await gateway.ReachAsync(room, shown, UsuallyBehind, open).ConfigureAwait(false) is not true and var told)
        {
            if (told is null)
            {
                return null;
            }

            // Where the room was never so far, or so much was removed, there is nothing to wait for: the client begins anew.
            var begins = (await store.ReadAfterAsync(room, shown, 1, "", CancellationToken.None).ConfigureAwait(false)).Reset;
            if (!begins && await gateway.ReachAsync(room, shown, BehindMax).ConfigureAwait(false) is not true)
            {
                return null;
            }
        }

        return await gateway.FollowAsync(connection, room, null, open).ConfigureAwait(false);
    }

    /// <summary>Null where none of the rooms can be served now; a room that alone cannot has no revision. For the first of them it waits as long as any call does.</summary>
    private async Task<List<(string Id, long? Rev)>?> AttachAsync(ChatConnection connection, List<(string Id, long? ShownRev)> rooms) =>
        await AttachAsync(connection, rooms, PatienceWithOne).ConfigureAwait(false) ?? await AttachAsync(connection, rooms, RoomFeed.HoldLimit - PatienceWithOne).ConfigureAwait(false);

    private async Task<List<(string Id, long? Rev)>?> AttachAsync(ChatConnection connection, List<(string Id, long? ShownRev)> rooms, TimeSpan open)
    {
        var following = rooms.ConvertAll(room => (room.Id, Rev: FollowAsync(connection, room.Id, room.ShownRev, open).AsTask()));
        var attached = new List<(string Id, long? Rev)>(following.Count);
        foreach (var (id, rev) in following)
        {
            // Where it is still the user's room, it is the host that is away.
            if (await rev.ConfigureAwait(false) is var from && (from is not null || RoomAccess.Check(replica.State, id, connection.User.Name, RoomAction.Read, Now()).Error is null))
            {
                attached.Add((id, from));
            }
        }

        return attached.Count > 0 && attached.TrueForAll(room => room.Rev is null) ? null : attached;
    }

    private static Task<(Page, RoomGlance)> NotReached(long? afterRev) =>
        Task.FromResult((new Page(Reset: afterRev is not >= 0, "[]"u8.ToArray(), 0, More: true), RoomGlance.Nothing));

    private static int CostOf(ReadOnlyMemory<byte> room) => RoomSyncText.FrameBytes + room.Length;

    private static RoomSyncText Build(Protocol.Room room, long rev, Page page, RoomGlance glance, ReadState read) =>
        new(RoomText.Of(room), rev, page.Reset, page.Messages, page.More, read, glance.Online, glance.OnlineCount);

    private static long? AfterRev(SyncRequest request, string room) =>
        request.Revs is not null && request.Revs.TryGetValue(room, out var seen) ? seen : null;

    private async ValueTask<(Page Page, RoomGlance Glance)> ReadAsync(string user, string room, long? afterRev, long rev, int limit)
    {
        var seen = afterRev is { } after && after >= 0 && after <= rev ? afterRev : null;
        if (rev == 0)
        {
            limit = 0; // Nothing was ever said there: the store is not asked.
        }

        var glance = await routes.GlanceAsync(room, limit > 0 ? seen : null, rev, limit).ConfigureAwait(false);
        var page = glance.Resumed is { } resumed
            ? new Page(false, resumed.Messages, resumed.Count, resumed.More)
            : await ReadStoreAsync(user, room, seen, rev, limit).ConfigureAwait(false);
        return (page, glance);
    }

    private async ValueTask<Page> ReadStoreAsync(string user, string room, long? afterRev, long rev, int limit)
    {
        if (afterRev is { } after)
        {
            if (limit <= 0)
            {
                return new Page(false, "[]"u8.ToArray(), 0, More: after < rev);
            }

            var changes = Reaching(rev, room, await store.ReadAfterAsync(room, after, limit, user, CancellationToken.None).ConfigureAwait(false));
            if (!changes.Reset)
            {
                var upTo = UpTo(changes.Messages, rev);
                return ToPage(false, upTo, changes.More && upTo.Count == changes.Messages.Count);
            }
        }

        if (limit <= 0)
        {
            return new Page(true, "[]"u8.ToArray(), 0, More: rev > 0);
        }

        // After what no room reaches: the newest page, which says how far the store is.
        var newest = await store.ReadAfterAsync(room, long.MaxValue, Math.Min(limit, FreshPage), user, CancellationToken.None).ConfigureAwait(false);
        return ToPage(true, UpTo(Reaching(rev, room, newest).Messages, rev), newest.More);
    }

    /// <summary>
    /// A page of a store that is as far as the feed was when the connection was attached. One that is not (a database behind the one that is written, in the
    /// middle of a fail-over) lacks what no event tells any more: the client asks again.
    /// </summary>
    private ChangesPage Reaching(long rev, string room, ChangesPage page) => page.Rev >= rev || replica.State.FindRoom(room) is null
        ? page
        : throw new MessageStoreUnavailableException($"the message store is behind the room {room}, at {page.Rev} of {rev}");

    private static IReadOnlyList<Message> UpTo(IReadOnlyList<Message> messages, long rev)
    {
        foreach (var message in messages)
        {
            if (message.Rev > rev)
            {
                return messages.Where(message => message.Rev <= rev).ToList();
            }
        }

        return messages;
    }

    private static Page ToPage(bool reset, IReadOnlyList<Message> messages, bool more)
    {
        var json = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(json, HubText.JsonOptions))
        {
            MessageText.Write(writer, messages);
        }

        return new Page(reset, json.WrittenMemory, messages.Count, more);
    }

    private long Now() => time.GetUtcNow().ToUnixTimeMilliseconds();

    private readonly record struct Page(bool Reset, ReadOnlyMemory<byte> Messages, int Count, bool More);
}
