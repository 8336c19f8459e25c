using System.Collections.Immutable;
using DChat.Client;
using DChat.Client.Rooms;
using DChat.Protocol;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>The effects that ask the server about rooms and members, or change them.</summary>
internal sealed class RoomCalls(Action<UiEvent> tell)
{
    /// <summary>Pages that one scroll back loads at most: 20,000 messages.</summary>
    private const int PagesMax = 100;

    /// <summary>Pages of members that are read: 2,000 members.</summary>
    private const int MemberPagesMax = 10;

    private const int SearchPage = 50;
    private const int ContextAfter = 4;
    private const int ContextMessages = 9;

    /// <summary>A query goes out when no key followed for so long.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(180);

    private int asked;

    /// <summary>Null where the effect is none of these.</summary>
    public Func<CancellationToken, Task>? Of(ChatClient client, Effect effect) => effect switch
    {
        Effect.Edit(var room, var seq, var body) => cancel => EditAsync(client.EditAsync(room, seq, body, cancel)),
        Effect.Delete(var room, var seq) => cancel => client.DeleteAsync(room, seq, cancel),
        Effect.React(var room, var seq, var emoji, var on) => cancel => client.ReactAsync(room, seq, emoji, on, cancel),
        Effect.LoadOlder load => cancel => LoadOlderAsync(client, load, cancel),
        Effect.ListMembers(var room) => cancel => ListMembersAsync(client, room, cancel),
        Effect.ListBans(var room) => async cancel => tell(new UiEvent.BansListed(room, [.. (await client.BansAsync(room, limit: ProtocolLimits.PageMax, cancel: cancel)).Bans])),
        Effect.ListRooms list => cancel => ListRoomsAsync(client, list, cancel),
        Effect.Search search => cancel => SearchAsync(client, search, cancel),
        Effect.LoadContext(var room, var seq) => cancel => LoadContextAsync(client, room, seq, cancel),
        Effect.CreateRoom create => cancel => OpenAsync(client, client.CreateRoomAsync(create.Name, create.Topic.Length > 0 ? create.Topic : null, create.IsPrivate ? Visibilities.Private : Visibilities.Public, create.Password.Length > 0 ? create.Password : null, cancel), cancel),
        Effect.Join join => cancel => JoinAsync(client, join, cancel),
        Effect.OpenDirect(var user, var text) => cancel => OpenAsync(client, client.OpenDirectAsync(user, cancel), cancel, text),
        Effect.Leave(var room) => cancel => client.LeaveRoomAsync(room, cancel),
        Effect.DeleteRoom(var room) => cancel => client.DeleteRoomAsync(room, cancel),
        Effect.UpdateRoom update => cancel => UpdateAsync(client, update, cancel),
        Effect.Moderate moderate => cancel => ModerateAsync(client, moderate, cancel),
        Effect.ChangePassword(var current, var next) => cancel => DoneAsync(client.Account.ChangePasswordAsync(current, next, cancel), "Your password is changed."),
        Effect.Rename(var name) => cancel => DoneAsync(client.Account.RenameAsync(name, cancel), $"{name} stands beside your user name."),
        _ => null,
    };

    private async Task EditAsync(Task editing)
    {
        try
        {
            await editing;
        }
        catch (ChatException e)
        {
            tell(new UiEvent.Failed($"The message was not changed: {Problems.Of(e)} Alt-P brings your text back."));
        }
    }

    private async Task LoadOlderAsync(ChatClient client, Effect.LoadOlder load, CancellationToken cancel)
    {
        if (client.FindRoom(load.Room) is not { } room)
        {
            return;
        }

        string? problem = null;
        try
        {
            for (var page = 0; page < PagesMax && await room.LoadOlderAsync(cancel) && room.Messages is [var oldest, ..] && oldest.Seq > load.ToSeq; page++)
            {
                // As far as it was asked for; each page counts as soon as it is there.
                tell(new UiEvent.RoomChanged(RoomView.Of(room)));
            }
        }
        catch (ChatException e)
        {
            problem = Problems.Of(e);
        }

        tell(new UiEvent.RoomChanged(RoomView.Of(room)));
        tell(new UiEvent.OlderLoaded(load.Room, problem));
    }

    private async Task ListMembersAsync(ChatClient client, string room, CancellationToken cancel)
    {
        List<MemberView> members = [];
        string? after = null;
        for (var page = 0; page < MemberPagesMax; page++)
        {
            var answer = await client.MembersAsync(room, after, ProtocolLimits.PageMax, cancel);
            members.AddRange(answer.Members.Select(MemberView.Of));
            after = answer.Next;
            if (after is null)
            {
                break;
            }
        }

        tell(new UiEvent.MembersListed(room, [.. members]));
    }

    private async Task ListRoomsAsync(ChatClient client, Effect.ListRooms list, CancellationToken cancel)
    {
        if (await IsLatestAsync(list.Query.Length > 0 && list.After is null, cancel))
        {
            var answer = await client.ListRoomsAsync(list.Query.Length > 0 ? list.Query : null, list.After, SearchPage, cancel);
            tell(new UiEvent.RoomsListed(list.Query, list.After, [.. answer.Rooms], answer.Next));
        }
    }

    private async Task SearchAsync(ChatClient client, Effect.Search search, CancellationToken cancel)
    {
        if (await IsLatestAsync(search.After is null, cancel))
        {
            var answer = await client.SearchAsync(search.Query, search.Room, search.After, SearchPage, cancel);
            tell(new UiEvent.SearchDone(search.Query, search.After, [.. answer.Hits], answer.Next));
        }
    }

    /// <summary>Waits a moment for another key; false where one came.</summary>
    private async Task<bool> IsLatestAsync(bool wait, CancellationToken cancel)
    {
        var mine = Interlocked.Increment(ref asked);
        if (wait)
        {
            await Task.Delay(Pause, cancel);
        }

        return mine == Volatile.Read(ref asked);
    }

    private async Task LoadContextAsync(ChatClient client, string room, long seq, CancellationToken cancel)
    {
        var page = await client.HistoryAsync(room, seq + ContextAfter + 1, ContextMessages, cancel);
        tell(new UiEvent.ContextLoaded(room, seq, [.. page.Messages]));
    }

    /// <summary>Waits until the room is here before it is shown.</summary>
    private async Task OpenAsync(ChatClient client, Task<Room> opening, CancellationToken cancel, string text = "")
    {
        var room = await opening;
        var followed = await client.FollowAsync(room.Id, cancel);
        tell(new UiEvent.RoomChanged(RoomView.Of(followed)));
        tell(new UiEvent.RoomReady(room.Id, text));
    }

    private async Task JoinAsync(ChatClient client, Effect.Join join, CancellationToken cancel)
    {
        try
        {
            await OpenAsync(client, client.JoinRoomAsync(join.Room, join.Password, cancel), cancel);
        }
        catch (ChatException e) when (e.Code == ErrorCodes.WrongPassword)
        {
            tell(new UiEvent.PasswordNeeded(join.Room, SafeText.Clean(join.Title), join.Password is not null));
        }
    }

    private async Task UpdateAsync(ChatClient client, Effect.UpdateRoom update, CancellationToken cancel)
    {
        if (client.FindRoom(update.Room) is { } room)
        {
            await DoneAsync(room.UpdateAsync(update.Name, update.Topic, update.Visibility, update.Password, update.SlowModeSeconds, update.Archived, cancel), null);
        }
    }

    private async Task ModerateAsync(ChatClient client, Effect.Moderate moderate, CancellationToken cancel)
    {
        var (room, what, user, reason, minutes) = moderate;
        var (work, says) = what switch
        {
            Moderation.Invite => (client.InviteAsync(room, user, cancel), $"{user} is invited."),
            Moderation.Kick => (client.KickAsync(room, user, reason, cancel), $"{user} is removed."),
            Moderation.Ban => (client.BanAsync(room, user, reason, cancel), $"{user} is banned."),
            Moderation.Unban => (client.UnbanAsync(room, user, cancel), $"{user} may come back."),
            Moderation.Mute => (client.MuteAsync(room, user, minutes, reason, cancel), $"{user} is muted."),
            Moderation.Unmute => (client.MuteAsync(room, user, 0, reason, cancel), $"{user} may write again."),
            Moderation.MakeOwner => (client.SetRoleAsync(room, user, Roles.Owner, cancel), $"{user} is an owner now."),
            Moderation.MakeModerator => (client.SetRoleAsync(room, user, Roles.Moderator, cancel), $"{user} is a moderator now."),
            _ => (client.SetRoleAsync(room, user, Roles.Member, cancel), $"{user} is a plain member now."),
        };
        await DoneAsync(work, says);
        await ListMembersAsync(client, room, cancel);
    }

    private async Task DoneAsync(Task work, string? says)
    {
        await work;
        tell(new UiEvent.Done(says));
    }
}
