using System.Collections.Immutable;
using DChat.Protocol;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>What the server, or what was asked of it, tells of.</summary>
internal static class Incoming
{
    public static Step Apply(Model model, UiEvent happened)
    {
        var chat = model.Chat;
        return happened switch
        {
            UiEvent.SignedIn(var me, var server, var memory) => SignedIn(model, me, server, memory),
            UiEvent.LinkChanged(var link) => Linked(model, link),
            UiEvent.RoomChanged(var room) => Changed(model, room),
            UiEvent.RoomGone gone => Gone(model, gone),
            UiEvent.Synced => Synced(model),
            UiEvent.InvitationsChanged(var invitations) => model with { Chat = chat with { Invitations = invitations } },
            UiEvent.PendingChanged(var pending) => model with { Chat = Deselect(chat with { Pending = pending }) },
            UiEvent.SendRefused(var failed) => model with { Chat = chat with { Memory = chat.Memory with { Failed = chat.Memory.Failed.Add(failed) } } },
            UiEvent.Arrived arrived => Arrived(model, arrived),
            UiEvent.OlderLoaded loaded => Loaded(model, loaded),
            UiEvent.MembersListed(var id, var members) => MembersListed(model, id, members),
            UiEvent.RoomReady(var id, var text) => RoomReady(model, id, text),
            UiEvent.Done(var says) => Done(model, says),
            UiEvent.Failed(var problem) => Failed(model, problem),
            UiEvent.TransferChanged(var transfer) => model with { Chat = chat with { Transfers = [.. chat.Transfers.Where(t => t.Id != transfer.Id), transfer] } },
            UiEvent.TransferEnded(var id, var says, var bad) => (model with { Chat = chat with { Transfers = [.. chat.Transfers.Where(t => t.Id != id)] } }).Say(says, bad),
            UiEvent.SignedOut(var reason, var start) => new Model { Size = model.Size, Settings = model.Settings, Keymap = model.Keymap, Theme = model.Theme, Now = model.Now, Zone = model.Zone, Focused = model.Focused, Start = start with { Problem = reason } },
            _ => DialogNews.Apply(model, happened),
        };
    }

    /// <summary>The rooms of the last time are listed at once; what is in them follows from the server.</summary>
    public static Step SignedIn(Model model, string me, string server, Memory memory)
    {
        if (model.Start is null && model.Chat.Me == me && model.Chat.Server == server)
        {
            // It is shown already, and may have been typed into.
            return model;
        }

        var rooms = memory.Rooms.DistinctBy(known => known.Id).ToImmutableDictionary(known => known.Id, RoomView.Of);
        var chat = new Chat { Me = me, Server = server, Memory = memory, Rooms = rooms, Order = RoomOrder.Of(rooms.Values, model.Now) };
        var shown = model with { Start = null, Dialogs = [], Toast = null, Chat = chat };
        return memory.LastRoom is { } last ? RoomMoves.Open(shown, last) : shown;
    }

    /// <summary>What could not be asked while there was no connection is asked now.</summary>
    private static Step Linked(Model model, LinkView link)
    {
        var next = model with { Chat = model.Chat with { Link = link } };
        if (link.State != Link.Online || model.Chat.Link.State == Link.Online || next.Chat.Room is not { } room)
        {
            return next;
        }

        var step = (next with { Chat = next.Chat.With(room.Id, next.Chat.Pane with { Marked = 0 }) }).Step();
        return room.Members <= RoomMoves.MembersShown && !room.IsPlaceholder ? step.And(new Effect.ListMembers(room.Id)) : step;
    }

    private static Step Changed(Model model, RoomView room)
    {
        var chat = model.Chat;
        var known = chat.Rooms.GetValueOrDefault(room.Id);
        var rooms = chat.Rooms.SetItem(room.Id, room);
        var isNews = known is null || known.Title != room.Title || known.Archived != room.Archived || (known.Unread > 0) != (room.Unread > 0);
        var next = model with { Chat = chat with { Rooms = rooms, Order = isNews ? RoomOrder.Of(rooms.Values, model.Now) : chat.Order } };
        next = isNews && chat.Synced ? Known(next) : next;
        if (known is null)
        {
            // The first room of somebody new opens by itself.
            return chat.Synced && chat.Open is null ? RoomMoves.Open(next, room.Id) : next;
        }

        var pane = chat.PaneOf(room.Id);
        if (room.Id == chat.Open && known.IsPlaceholder)
        {
            return RoomMoves.Enter(next, room);
        }

        if (room.Id != chat.Open || known.Messages == room.Messages)
        {
            return next;
        }

        var unseen = !model.Focused && pane.NewAfter is null && room.NewestSeq > known.NewestSeq && known.NewestSeq > 0;
        var newAfter = unseen ? known.NewestSeq : pane.NewAfter;
        var step = (newAfter is { } after ? next with { Chat = next.Chat.With(room.Id, pane with { NewAfter = room.AfterOwn(after, chat.Me) }) } : next).Step();
        var moved = room.Messages is [.., { Kind: MessageKinds.System }] && room.NewestSeq > known.NewestSeq;
        return chat.Link.State == Link.Online && (moved || known.Members != room.Members) && pane.Members is not null ? step.And(new Effect.ListMembers(room.Id)) : step;
    }

    private static Step Gone(Model model, UiEvent.RoomGone gone)
    {
        var chat = model.Chat;
        var rooms = chat.Rooms.Remove(gone.Room);
        var order = chat.Order.Remove(gone.Room);
        var at = chat.Order.IndexOf(gone.Room);
        var next = model with
        {
            Chat = chat with
            {
                Rooms = rooms,
                Order = order,
                Panes = chat.Panes.Remove(gone.Room),
                Open = chat.Open == gone.Room ? null : chat.Open,
                Before = chat.Before == gone.Room ? null : chat.Before,
            },
        };
        var why = gone.Reason switch
        {
            RemovalReasons.Kicked => $"You were removed from {gone.Title}.",
            RemovalReasons.Banned => $"You were banned from {gone.Title}.",
            RemovalReasons.Deleted => $"{gone.Title} was deleted.",
            _ => $"You left {gone.Title}.",
        };
        var told = Known(next).Say(why, bad: gone.Reason != RemovalReasons.Left);
        return chat.Open == gone.Room && order.Length > 0 ? RoomMoves.Open(told, order[Math.Clamp(at, 0, order.Length - 1)]) : told;
    }

    private static Step Synced(Model model)
    {
        // Rooms that the server did not tell of are no longer the user's.
        var rooms = model.Chat.Rooms.Where(r => !r.Value.IsPlaceholder).ToImmutableDictionary();
        var open = model.Chat.Open is { } shown && rooms.ContainsKey(shown) ? shown : null;
        var chat = model.Chat with { Synced = true, Rooms = rooms, Open = open, Order = RoomOrder.Of(rooms.Values, model.Now) };
        var next = Known(model with { Chat = chat });
        if (chat.Room is not null || chat.Order.Length == 0)
        {
            return next;
        }

        var last = chat.Memory.LastRoom is { } id && chat.Rooms.ContainsKey(id) ? id : chat.Order[0];
        return RoomMoves.Open(next, last);
    }

    /// <summary>The rooms are kept for the next time.</summary>
    private static Model Known(Model model)
    {
        var chat = model.Chat;
        ImmutableArray<KnownRoom> rooms = [.. chat.Order.Select(id => chat.Rooms[id]).Select(room => new KnownRoom(room.Id, room.Title, room.IsDirect))];
        return rooms.SequenceEqual(chat.Memory.Rooms) ? model : ChatKeys.Keep(model, chat.Memory with { Rooms = rooms });
    }

    /// <summary>A chosen entry that is on its way is another one when the list changed.</summary>
    private static Chat Deselect(Chat chat) => chat.Open is { } id && chat.Pane is { Selected: >= Timeline.PendingFrom } pane
        ? chat.With(id, pane with { Selected = null })
        : chat;

    private static Step Arrived(Model model, UiEvent.Arrived arrived)
    {
        var chat = model.Chat;
        if (chat.Memory.DoNotDisturb || !chat.Rooms.TryGetValue(arrived.Room, out var room) || (model.Focused && chat.Open == room.Id))
        {
            return model;
        }

        var level = chat.Memory.Notices.GetValueOrDefault(room.Id);
        var message = level == NoticeLevel.All ? arrived.Latest : arrived.Mentioned ?? (room.IsDirect ? arrived.Latest : null);
        if (level == NoticeLevel.None || message is null)
        {
            return model;
        }

        const int PreviewMax = 120;
        var author = SafeText.Clean(message.Author);
        var step = model.Step();
        var way = chat.Memory.Ways.GetValueOrDefault(room.Id, model.Settings.Notify);
        if (way is NoticeWay.Bell or NoticeWay.Both)
        {
            step = step.And(new Effect.Bell());
        }

        return way is NoticeWay.Desktop or NoticeWay.Both
            ? step.And(new Effect.Notify(room.IsDirect ? author : $"{author} in {room.Address}", MessageBody.Preview(message, PreviewMax)))
            : step;
    }

    private static Step Loaded(Model model, UiEvent.OlderLoaded loaded)
    {
        if (!model.Chat.Panes.TryGetValue(loaded.Room, out var pane))
        {
            return model;
        }

        var next = model with { Chat = model.Chat.With(loaded.Room, pane with { LoadingOlder = false, Wanted = loaded.Problem is null ? pane.Wanted : null }) };
        return loaded.Problem is { } problem ? next.Say(problem, bad: true) : next;
    }

    private static Step MembersListed(Model model, string id, ImmutableArray<MemberView> members)
    {
        var next = model with { Chat = model.Chat.With(id, model.Chat.PaneOf(id) with { Members = members }) };
        return next.Dialog is Dialog.Menu { Kind: MenuKind.Members } menu && menu.Subject == id
            ? next.With(menu with { Items = Menus.MemberItems(members), Busy = false })
            : next;
    }

    private static Step RoomReady(Model model, string id, string text)
    {
        var opened = RoomMoves.Open(model with { Dialogs = [] }, id);
        return text.Length == 0 ? opened : opened.And(new Effect.Send(id, Emoji.Expand(text), null, null)).Then(ChatKeys.ToEnd);
    }

    private static Step Done(Model model, string? says)
    {
        var closed = model.Dialog is { Busy: true } ? model.Pop() : model;
        return says is null ? closed : closed.Say(says);
    }

    private static Step Failed(Model model, string problem) => model.Dialog is { Busy: true } dialog
        ? model.With(dialog with { Busy = false, Problem = problem })
        : model.Say(problem, bad: true);
}
