using DChat.Core.Registry.Collections;
using DChat.Core.Rooms;

namespace DChat.Core.Registry;

internal sealed partial class RegistryDraft
{
    private void Apply(RoleChanged e)
    {
        var account = AccountOf(e.User);
        var room = RoomOf(e.Room);
        var entry = MembershipOf(room, account);
        var member = new MemberEntry(entry.Join, account.Handle);
        SetAccount(account with { Rooms = account.Rooms.Set(entry.With(e.Role)) });
        room = WithOwner(room with
        {
            Owners = e.Role == RoomRole.Owner ? room.Owners.Set(member) : room.Owners.Remove(entry.Join),
            Moderators = e.Role == RoomRole.Moderator ? room.Moderators.Set(member) : room.Moderators.Remove(entry.Join),
        });
        SetRoom(WithNotice(room, NoticeKind.Role, account.Name, RoleWords.Of(e.Role)));
    }

    private void Apply(Muted e)
    {
        var account = AccountOf(e.User);
        var room = RoomOf(e.Room);
        MuteEntry[] running = [.. room.Mutes.After().Where(mute => mute.Until > _record.At && mute.Account != account.Handle)];
        var mutes = SortedRuns<MuteEntry>.FromSorted(running);
        SetRoom(room with { Mutes = e.Until == 0 ? mutes : mutes.Set(new MuteEntry(account.Handle, e.Until)) });
    }

    private void Apply(Invited e)
    {
        var account = AccountOf(e.User);
        var room = RoomOf(e.Room);
        SetAccount(account with { Invitations = account.Invitations.Set(new HandleEntry(room.Handle)) });
        SetRoom(room with { Invitations = room.Invitations.Set(new InvitationEntry(account.Handle, _record.Actor, _record.At)) });
    }

    private void Apply(InvitationWithdrawn e)
    {
        var account = AccountOf(e.User);
        var room = DropInvitation(RoomOf(e.Room), ref account);
        SetAccount(account);
        SetRoom(room);
    }

    private void Apply(Banned e)
    {
        var account = AccountOf(e.User);
        var room = RoomOf(e.Room);
        if (account.Rooms.Contains((uint)room.Handle))
        {
            throw Broken($"{account.Name} is banned from {room.Id} and still a member");
        }

        room = room with { Bans = room.Bans.Set(new BanEntry(account.Handle, _record.Actor, e.Reason, _record.At)) };
        SetRoom(WithNotice(room, NoticeKind.Ban, account.Name, e.Reason ?? ""));
    }

    private void Apply(Unbanned e)
    {
        var room = RoomOf(e.Room);
        SetRoom(room with { Bans = room.Bans.Remove((uint)AccountOf(e.User).Handle) });
    }
}
