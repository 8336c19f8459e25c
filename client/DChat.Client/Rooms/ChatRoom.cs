using DChat.Client.Outbox;
using DChat.Client.Timelines;
using DChat.Protocol;

namespace DChat.Client.Rooms;

/// <summary>
/// A room that the client follows. Properties show the present state and may be read from any thread; collections are
/// snapshots. Methods call the server and throw <see cref="ChatException"/> where it refuses.
/// </summary>
public sealed class ChatRoom
{
    private static readonly TimeSpan TypingEvery = TimeSpan.FromSeconds(3);

    private readonly ChatClient client;
    private readonly RoomState state;
    private long typedAt;

    internal ChatRoom(ChatClient client, RoomState state) => (this.client, this.state) = (client, state);

    /// <summary>The room's id: random, never used again.</summary>
    public string Id => state.Id;

    /// <summary>Name, topic, settings and the user's role, as last heard.</summary>
    public Room Info => state.Info;

    /// <summary>What to call it: its name, or <c>@user</c> in a direct room.</summary>
    public string Title => Info.Kind == RoomKinds.Direct ? "@" + Info.Peer : Info.Name;

    /// <summary>The known messages, ascending by <c>seq</c>: an unbroken end of the room.</summary>
    public IReadOnlyList<Message> Messages => state.Read(s => s.Timeline.Messages);

    /// <summary>Whether there are messages before <see cref="Messages"/>; <see cref="LoadOlderAsync"/> gets them.</summary>
    public bool HasOlder => state.Read(s => s.Timeline.HasOlder);

    /// <summary>Whether nothing is known to be missing at this moment.</summary>
    public bool IsLive => state.Read(s => s.Timeline.IsLive);

    /// <summary>The user's read mark: messages up to this <c>seq</c> are read.</summary>
    public long ReadSeq => state.Read(s => s.ReadSeq);

    /// <summary>How many messages follow the read mark.</summary>
    public long Unread => state.Read(s => s.Unread);

    /// <summary>How many of them name the user as <c>@user</c>.</summary>
    public long Mentions => state.Read(s => s.Mentions);

    /// <summary>Who is online or away (<see cref="PresenceStates"/>); empty in rooms with more than 500 online.</summary>
    public IReadOnlyDictionary<string, string> Presence => state.Read(s => s.Presence);

    /// <summary>How many are online, away included.</summary>
    public int OnlineCount => state.Read(s => s.OnlineCount);

    /// <summary>Who is typing, without the user.</summary>
    public IReadOnlyList<string> Typing => state.Read(s => s.Typing);

    /// <summary>Sends a message and waits until the server has it for good: over reconnects and repeats, in the order of the calls, and exactly once.</summary>
    /// <param name="body">1 to 8,000 code points, not blank; may be empty with files.</param>
    /// <param name="kind">Null for a text, <c>action</c> for what <c>/me</c> makes.</param>
    /// <param name="replyTo">The <c>seq</c> of the message that it answers.</param>
    /// <param name="files">Ids of files that were uploaded to this room; at most 10.</param>
    /// <param name="cancel">Stops waiting; a message that is on its way may still arrive.</param>
    /// <exception cref="ChatException">The server refused: <c>muted</c>, <c>slow_mode</c>, <c>not_member</c>, <c>invalid_argument</c>, <c>not_signed_in</c>, …</exception>
    public Task<SendAnswer> SendAsync(string body, string? kind = null, long? replyTo = null, IReadOnlyList<string>? files = null, CancellationToken cancel = default) =>
        client.SendAsync(Id, body, kind, replyTo, files, cancel);

    /// <summary>As <see cref="SendAsync"/>, but does not wait: what becomes of it shows in the result and as <c>OutboxChanged</c>.</summary>
    /// <exception cref="ChatException"><c>outbox_full</c>.</exception>
    public OutgoingMessage Post(string body, string? kind = null, long? replyTo = null, IReadOnlyList<string>? files = null) =>
        client.Post(Id, body, kind, replyTo, files);

    /// <summary>Changes the text of a message of one's own.</summary>
    public Task EditAsync(long seq, string body, CancellationToken cancel = default) => client.EditAsync(Id, seq, body, cancel);

    /// <summary>Deletes a message of one's own, or as a moderator anybody's.</summary>
    public Task DeleteAsync(long seq, CancellationToken cancel = default) => client.DeleteAsync(Id, seq, cancel);

    /// <summary>Reacts to a message, or takes a reaction back.</summary>
    /// <param name="emoji">One grapheme of at most 32 bytes.</param>
    public Task ReactAsync(long seq, string emoji, bool on = true, CancellationToken cancel = default) => client.ReactAsync(Id, seq, emoji, on, cancel);

    /// <summary>Puts one older page in front of <see cref="Messages"/>. False where there is none, or one is being fetched already.</summary>
    public Task<bool> LoadOlderAsync(CancellationToken cancel = default) => client.LoadOlderAsync(state, cancel);

    /// <summary>Lets the client forget the oldest messages again, after a reader scrolled back.</summary>
    public void ReleaseOlder() => state.Change(s => s.Timeline.Release());

    /// <summary>A page of older messages, without touching <see cref="Messages"/>.</summary>
    /// <param name="beforeSeq">Messages below it; the newest when null.</param>
    /// <param name="limit">1 to 200.</param>
    public Task<HistoryAnswer> HistoryAsync(long? beforeSeq = null, int limit = 50, CancellationToken cancel = default) =>
        client.HistoryAsync(Id, beforeSeq, limit, cancel);

    /// <summary>Messages are read up to this <c>seq</c>; the user's other clients learn of it.</summary>
    public async Task MarkReadAsync(long seq, CancellationToken cancel = default)
    {
        await client.RepeatAsync<Nothing?>(HubMethods.MarkRead, new MarkReadRequest(Id, seq), cancel).ConfigureAwait(false);
        client.Book.ReadMoved(state, seq);
    }

    /// <summary>Tells that the user is typing; call it at each key, it goes out every 3 s at most.</summary>
    public async Task TypingAsync(CancellationToken cancel = default)
    {
        var now = client.Time.GetTimestamp();
        var before = Interlocked.Read(ref typedAt);
        if ((before != 0 && client.Time.GetElapsedTime(before, now) < TypingEvery) || Interlocked.CompareExchange(ref typedAt, now, before) != before)
        {
            return;
        }

        await client.CallAsync<Nothing?>(HubMethods.Typing, new RoomRequest(Id), cancel).ConfigureAwait(false);
    }

    /// <summary>A page of the members.</summary>
    /// <param name="after">The <c>Next</c> of the page before.</param>
    /// <param name="limit">1 to 200.</param>
    public Task<MembersAnswer> MembersAsync(string? after = null, int limit = 100, CancellationToken cancel = default) =>
        client.MembersAsync(Id, after, limit, cancel);

    /// <summary>A page of the bans; for moderators.</summary>
    public Task<BansAnswer> BansAsync(string? after = null, int limit = 100, CancellationToken cancel = default) =>
        client.BansAsync(Id, after, limit, cancel);

    /// <summary>Invites a user.</summary>
    public Task InviteAsync(string user, CancellationToken cancel = default) => client.InviteAsync(Id, user, cancel);

    /// <summary>Removes a member, who may join again.</summary>
    public Task KickAsync(string user, string? reason = null, CancellationToken cancel = default) => client.KickAsync(Id, user, reason, cancel);

    /// <summary>Removes a user for good, member or not.</summary>
    public Task BanAsync(string user, string? reason = null, CancellationToken cancel = default) => client.BanAsync(Id, user, reason, cancel);

    /// <summary>Ends a ban.</summary>
    public Task UnbanAsync(string user, CancellationToken cancel = default) => client.UnbanAsync(Id, user, cancel);

    /// <summary>Keeps a member from writing for a time.</summary>
    /// <param name="minutes">1 to 525,600; 0 ends a mute.</param>
    public Task MuteAsync(string user, int minutes = 60, string? reason = null, CancellationToken cancel = default) => client.MuteAsync(Id, user, minutes, reason, cancel);

    /// <summary>Makes a member owner, moderator or member (<see cref="Roles"/>).</summary>
    public Task SetRoleAsync(string user, string role, CancellationToken cancel = default) => client.SetRoleAsync(Id, user, role, cancel);

    /// <summary>Changes settings: what is null stays, <c>""</c> clears topic or password.</summary>
    public Task<Room> UpdateAsync(string? name = null, string? topic = null, string? visibility = null, string? password = null, int? slowModeSeconds = null, bool? archived = null, CancellationToken cancel = default) =>
        client.RepeatAsync<Room>(HubMethods.UpdateRoom, new UpdateRoomRequest(Id, name, topic, visibility, password, slowModeSeconds, archived), cancel);

    /// <summary>Leaves the room.</summary>
    public Task LeaveAsync(CancellationToken cancel = default) => client.LeaveRoomAsync(Id, cancel);

    /// <summary>Deletes the room and everything in it, for ever; for owners.</summary>
    public Task DeleteRoomAsync(CancellationToken cancel = default) => client.DeleteRoomAsync(Id, cancel);
}
