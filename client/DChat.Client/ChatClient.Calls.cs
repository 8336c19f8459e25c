using DChat.Client.Connections;
using DChat.Client.Outbox;
using DChat.Client.Rooms;
using DChat.Protocol;

namespace DChat.Client;

/// <summary>The calls of the contract. Each waits for a connection, and repeats what may be repeated, for <see cref="ChatClientOptions.CallTimeout"/> in all.</summary>
public sealed partial class ChatClient
{
    private static readonly TimeSpan RetryFirst = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan RetryLongest = TimeSpan.FromSeconds(5);

    private string presence = PresenceStates.Online;

    /// <summary>A page of the public rooms and the user's own, most active first.</summary>
    /// <param name="query">Part of a name or topic; null for all.</param>
    /// <param name="after">The <c>Next</c> of the page before.</param>
    /// <param name="limit">1 to 200.</param>
    public Task<ListRoomsAnswer> ListRoomsAsync(string? query = null, string? after = null, int limit = 50, CancellationToken cancel = default) =>
        RepeatAsync<ListRoomsAnswer>(HubMethods.ListRooms, new ListRoomsRequest(query, after, limit), cancel);

    /// <summary>Makes a room, whose owner the user becomes.</summary>
    /// <param name="visibility"><see cref="Visibilities"/>.</param>
    /// <exception cref="ChatException"><c>room_taken</c>, <c>invalid_argument</c>.</exception>
    public Task<Room> CreateRoomAsync(string name, string? topic = null, string visibility = Visibilities.Public, string? password = null, CancellationToken cancel = default) =>
        RepeatAsync<Room>(HubMethods.CreateRoom, new CreateRoomRequest(name, topic, visibility, password, NewId()), cancel);

    /// <summary>Joins a room, or accepts an invitation.</summary>
    /// <param name="room">A room's id, or the name of a public room.</param>
    /// <exception cref="ChatException"><c>not_found</c>, <c>wrong_password</c>, <c>banned</c>.</exception>
    public Task<Room> JoinRoomAsync(string room, string? password = null, CancellationToken cancel = default) =>
        RepeatAsync<Room>(HubMethods.JoinRoom, new JoinRoomRequest(room, password), cancel);

    /// <summary>Opens the direct room with a user: the same one whoever opens it.</summary>
    public Task<Room> OpenDirectAsync(string user, CancellationToken cancel = default) =>
        RepeatAsync<Room>(HubMethods.OpenDirect, new OpenDirectRequest(user), cancel);

    /// <summary>Follows a room of the user and waits until it is up to date. In a client that follows all rooms: waits until it knows this one.</summary>
    /// <param name="room">The room's id.</param>
    /// <exception cref="ChatException"><c>not_member</c>: the user is not in it.</exception>
    public async Task<ChatRoom> FollowAsync(string room, CancellationToken cancel = default)
    {
        using var limit = new CancellationTokenSource(options.CallTimeout, options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
        try
        {
            await connector.LinkAsync(either.Token).ConfigureAwait(false);
            await Book.Follow(room).WaitAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancel.IsCancellationRequested)
        {
            throw new ChatException(ErrorCodes.Unavailable, "The room did not come up to date in time.", null, e);
        }

        return Book.Find(room) ?? throw new ChatException(ErrorCodes.NotMember, "You are not in this room.");
    }

    /// <summary>Sends a message to a room, followed or not; see <see cref="ChatRoom.SendAsync"/>.</summary>
    public async Task<SendAnswer> SendAsync(string room, string body, string? kind = null, long? replyTo = null, IReadOnlyList<string>? files = null, CancellationToken cancel = default)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        var message = await outbox.PostAsync(new SendRequest(room, NewId(), body, kind, replyTo, files), cancel).ConfigureAwait(false);
        return await message.Answer.WaitAsync(cancel).ConfigureAwait(false);
    }

    /// <summary>Puts a message into the outbox; see <see cref="ChatRoom.Post"/>.</summary>
    public OutgoingMessage Post(string room, string body, string? kind = null, long? replyTo = null, IReadOnlyList<string>? files = null)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        return outbox.Post(new SendRequest(room, NewId(), body, kind, replyTo, files));
    }

    /// <summary>Takes a message back that waits to be sent. False where it is on its way already, or was: then it may have arrived.</summary>
    public bool TryWithdraw(OutgoingMessage message) => outbox.TryWithdraw(message);

    /// <summary>Changes the text of a message of one's own.</summary>
    public Task<RevAnswer> EditAsync(string room, long seq, string body, CancellationToken cancel = default) =>
        RepeatAsync<RevAnswer>(HubMethods.Edit, new EditRequest(room, NewId(), seq, body), cancel);

    /// <summary>Deletes a message of one's own, or as a moderator anybody's.</summary>
    public Task<RevAnswer> DeleteAsync(string room, long seq, CancellationToken cancel = default) =>
        RepeatAsync<RevAnswer>(HubMethods.Delete, new DeleteRequest(room, NewId(), seq), cancel);

    /// <summary>Reacts to a message, or takes a reaction back.</summary>
    /// <param name="emoji">One grapheme of at most 32 bytes.</param>
    public Task<RevAnswer> ReactAsync(string room, long seq, string emoji, bool on = true, CancellationToken cancel = default) =>
        RepeatAsync<RevAnswer>(HubMethods.React, new ReactRequest(room, NewId(), seq, emoji, on), cancel);

    /// <summary>A page of messages of a room, ascending.</summary>
    /// <param name="beforeSeq">Messages below it; the newest when null.</param>
    /// <param name="limit">1 to 200.</param>
    public Task<HistoryAnswer> HistoryAsync(string room, long? beforeSeq = null, int limit = 50, CancellationToken cancel = default) =>
        RepeatAsync<HistoryAnswer>(HubMethods.History, new HistoryRequest(room, beforeSeq, limit), cancel);

    /// <summary>Finds messages in the user's rooms, newest first.</summary>
    /// <param name="query">Words, all of which a message must contain; <c>"quoted"</c> words stand together; a trailing <c>*</c> is a prefix.</param>
    /// <param name="room">Only there; everywhere when null.</param>
    /// <param name="after">The <c>Next</c> of the page before.</param>
    /// <param name="limit">1 to 200.</param>
    public Task<SearchAnswer> SearchAsync(string query, string? room = null, string? after = null, int limit = 50, CancellationToken cancel = default) =>
        RepeatAsync<SearchAnswer>(HubMethods.Search, new SearchRequest(query, room, after, limit), cancel);

    /// <summary>A page of a room's members.</summary>
    public Task<MembersAnswer> MembersAsync(string room, string? after = null, int limit = 100, CancellationToken cancel = default) =>
        RepeatAsync<MembersAnswer>(HubMethods.Members, new MembersRequest(room, after, limit), cancel);

    /// <summary>A page of a room's bans; for moderators.</summary>
    public Task<BansAnswer> BansAsync(string room, string? after = null, int limit = 100, CancellationToken cancel = default) =>
        RepeatAsync<BansAnswer>(HubMethods.Bans, new MembersRequest(room, after, limit), cancel);

    /// <summary>Invites a user to a room.</summary>
    public Task InviteAsync(string room, string user, CancellationToken cancel = default) =>
        CallAsync<Nothing?>(HubMethods.Invite, new MemberRequest(room, user), cancel);

    /// <summary>Removes a member, who may join again.</summary>
    public Task KickAsync(string room, string user, string? reason = null, CancellationToken cancel = default) =>
        CallAsync<Nothing?>(HubMethods.Kick, new MemberRequest(room, user, reason), cancel);

    /// <summary>Removes a user for good, member or not.</summary>
    public Task BanAsync(string room, string user, string? reason = null, CancellationToken cancel = default) =>
        CallAsync<Nothing?>(HubMethods.Ban, new MemberRequest(room, user, reason), cancel);

    /// <summary>Ends a ban.</summary>
    public Task UnbanAsync(string room, string user, CancellationToken cancel = default) =>
        CallAsync<Nothing?>(HubMethods.Unban, new MemberRequest(room, user), cancel);

    /// <summary>Keeps a member from writing for a time.</summary>
    /// <param name="minutes">1 to 525,600; 0 ends a mute.</param>
    public Task MuteAsync(string room, string user, int minutes = 60, string? reason = null, CancellationToken cancel = default) =>
        CallAsync<Nothing?>(HubMethods.Mute, new MemberRequest(room, user, reason, minutes), cancel);

    /// <summary>Makes a member owner, moderator or member (<see cref="Roles"/>).</summary>
    public Task SetRoleAsync(string room, string user, string role, CancellationToken cancel = default) =>
        CallAsync<Nothing?>(HubMethods.SetRole, new MemberRequest(room, user, Role: role), cancel);

    /// <summary>Leaves a room.</summary>
    public Task LeaveRoomAsync(string room, CancellationToken cancel = default) =>
        CallAsync<Nothing?>(HubMethods.LeaveRoom, new RoomRequest(room), cancel);

    /// <summary>Deletes a room and everything in it, for ever; for owners.</summary>
    public Task DeleteRoomAsync(string room, CancellationToken cancel = default) =>
        CallAsync<Nothing?>(HubMethods.DeleteRoom, new RoomRequest(room), cancel);

    /// <summary>Shows the user as online or away (<see cref="PresenceStates"/>) on this connection.</summary>
    public async Task SetPresenceAsync(string state, CancellationToken cancel = default)
    {
        await RepeatAsync<Nothing?>(HubMethods.SetPresence, new SetPresenceRequest(state), cancel).ConfigureAwait(false);
        presence = state;
    }

    /// <summary>Measures the round trip of a call, which then is <see cref="Latency"/>.</summary>
    public async Task<TimeSpan> PingAsync(CancellationToken cancel = default)
    {
        var started = options.Time.GetTimestamp();
        await CallAsync<Nothing?>(HubMethods.SetPresence, new SetPresenceRequest(presence), cancel).ConfigureAwait(false);
        return options.Time.GetElapsedTime(started);
    }

    internal async Task<bool> LoadOlderAsync(RoomState room, CancellationToken cancel)
    {
        var (ticket, before) = Book.Locked(() => room.Timeline.HasOlder && room.Timeline.Messages.Count > 0
            ? (room.Timeline.BeginOlder(), room.Timeline.Messages[0].Seq)
            : (null, 0));
        if (ticket is not { } open)
        {
            return false;
        }

        try
        {
            var page = await HistoryAsync(room.Id, before, ProtocolLimits.PageMax, cancel).ConfigureAwait(false);
            Book.Step(room, r => r.Timeline.ApplyOlder(open, page, keep: true));
            return page.Messages.Count > 0;
        }
        catch
        {
            Book.Locked(() => { room.Timeline.OlderFailed(open); return 0; });
            throw;
        }
    }

    /// <summary>A call that may be made twice without harm: repeated until it is answered or refused, or time is up.</summary>
    internal Task<T> RepeatAsync<T>(string method, object request, CancellationToken cancel) => InvokeAsync<T>(method, request, repeatLost: true, cancel);

    /// <summary>A call that is not repeated once it was on its way and the connection was lost.</summary>
    internal Task<T> CallAsync<T>(string method, object request, CancellationToken cancel) => InvokeAsync<T>(method, request, repeatLost: false, cancel);

    private async Task<T> InvokeAsync<T>(string method, object request, bool repeatLost, CancellationToken cancel)
    {
        if (!connector.IsStarted)
        {
            throw new InvalidOperationException("Call ConnectAsync first.");
        }

        using var limit = new CancellationTokenSource(options.CallTimeout, options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
        var backoff = new Backoff(RetryFirst, RetryLongest, Random.Shared);
        ChatException? last = null;
        try
        {
            while (true)
            {
                var link = await connector.LinkAsync(either.Token).ConfigureAwait(false);
                try
                {
                    return await link.InvokeAsync<T>(method, request, either.Token).ConfigureAwait(false);
                }
                catch (LinkLostException e)
                {
                    last = new ChatException(ClientErrorCodes.Uncertain, "The connection was lost before the answer came; it may have happened or not.", null, e);
                    if (!repeatLost)
                    {
                        throw last;
                    }
                }
                catch (ChatException e) when (ErrorCodes.IsRetryable(e.Code))
                {
                    last = e;
                }

                await Task.Delay(last.RetryAfter ?? backoff.Next(), options.Time, either.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException e) when (!cancel.IsCancellationRequested)
        {
            throw last ?? new ChatException(ErrorCodes.Unavailable, $"No answer within {options.CallTimeout.TotalSeconds:0} s. {Status.Problem}", null, e);
        }
    }
}
