using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>From room to room.</summary>
internal static class RoomMoves
{
    /// <summary>Rooms up to this size have all their members listed at the side.</summary>
    public const int MembersShown = 200;

    /// <summary>Unread messages up to which the place where one stopped reading is loaded.</summary>
    private const long CatchUpMax = 3_000;

    /// <summary>Rows of what was read already above the line for new messages.</summary>
    private const int ContextRows = 3;

    public static Step Open(Model model, string id)
    {
        if (!model.Chat.Rooms.TryGetValue(id, out var room) || model.Chat.Open == id)
        {
            return model;
        }

        var chat = model.Chat;
        var step = Close(model);
        var next = step.Model.Chat with
        {
            Open = id,
            Before = chat.Open ?? chat.Before,
            RoomsTop = null,
            Memory = chat.Memory with { LastRoom = id },
        };
        return (step with { Model = step.Model with { Chat = next } }).Then(m => Enter(m, room)).Then(m => chat.Open is null ? TakeAlong(m) : m);
    }

    /// <summary>The open room as it is when one comes in: where one stopped reading.</summary>
    public static Step Enter(Model model, RoomView room)
    {
        var pane = model.Chat.PaneOf(room.Id) with { NewAfter = room.Unread > 0 ? room.AfterOwn(room.ReadSeq, model.Chat.Me) : null, Selected = null, Scroll = Scroll.End, Completion = null, Marked = 0, LoadingOlder = false };
        var step = (model with { Chat = model.Chat.With(room.Id, pane) }).Step();
        if (pane.Members is null && room.Members <= MembersShown && !room.IsPlaceholder && model.Chat.Link.State == Link.Online)
        {
            step = step.And(new Effect.ListMembers(room.Id));
        }

        return step.Then(m => AtUnread(m, room));
    }

    /// <summary>What was typed before a room was open goes into the first one.</summary>
    private static Step TakeAlong(Model model)
    {
        var typed = model.Chat.PaneOf("").Input.Text;
        if (typed.Length == 0 || !model.Chat.Pane.Input.IsEmpty)
        {
            return model;
        }

        var chat = model.Chat.With("", Pane.Empty) with { Memory = model.Chat.Memory with { Drafts = model.Chat.Memory.Drafts.Remove("") } };
        return ChatKeys.Write(model with { Chat = chat }, Editor.Of(typed));
    }

    public static Step ByNumber(Model model, int number) =>
        number >= 1 && number <= model.Chat.Order.Length ? Open(model, model.Chat.Order[number - 1]) : model;

    public static Step Next(Model model, int by)
    {
        var order = model.Chat.Order;
        if (order.Length == 0)
        {
            return model;
        }

        var at = model.Chat.Open is { } open ? order.IndexOf(open) : -1;
        return Open(model, order[at < 0 ? 0 : (at + by + order.Length) % order.Length]);
    }

    /// <summary>The next room with something new: mentions and direct rooms before the rest.</summary>
    public static Step NextUnread(Model model)
    {
        var chat = model.Chat;
        var order = chat.Order;
        var at = chat.Open is { } open ? order.IndexOf(open) : -1;
        var rooms = Enumerable.Range(1, order.Length).Select(i => chat.Rooms[order[(at + i + order.Length) % order.Length]]).Where(r => r.Unread > 0 && r.Id != chat.Open).ToList();
        var next = rooms.FirstOrDefault(r => r.Mentions > 0 || r.IsDirect) ?? rooms.FirstOrDefault();
        return next is null ? model.Say("Nothing new anywhere.") : Open(model, next.Id);
    }

    public static Step Last(Model model) => model.Chat.Before is { } before ? Open(model, before) : model;

    /// <summary>To a message, loading as far back as it takes.</summary>
    public static Step Jump(Model model, string room, long seq)
    {
        var step = model.Chat.Open == room ? model.Step() : Open(model, room);
        return step.Then(m => m.Chat.Open == room
            ? m with { Chat = m.Chat.With(room, m.Chat.Pane with { Wanted = seq }) }
            : m.Say("You are not in that room any more.", bad: true));
    }

    public static Step ScrollBy(Model model, int rows) => model.Chat.Room is { } room
        ? ScrollTo(model, room, Scrolling.By(Update.TimelineOf(model, room), model.Chat.Pane.Scroll, rows))
        : model;

    public static Step ScrollTo(Model model, RoomView room, Scroll scroll)
    {
        var pane = model.Chat.Pane;
        var step = (model with { Chat = model.Chat.With(room.Id, pane with { Scroll = scroll, Wanted = null }) }).Step();
        return scroll.IsEnd && !pane.Scroll.IsEnd ? step.And(new Effect.ReleaseOlder(room.Id)) : step;
    }

    /// <summary>Toward the first message: the oldest known, from where more is loaded.</summary>
    public static Step First(Model model) => model.Chat.Room is not { Messages.Count: > 0 } room ? model
        : room.HasOlder ? model with { Chat = model.Chat.With(room.Id, model.Chat.Pane with { Wanted = 1 }) }
        : ScrollTo(model, room, Scrolling.Top(Update.TimelineOf(model, room)));

    /// <summary>The line for new messages near the top, or the end where all of them fit.</summary>
    public static Scroll AtNew(Timeline timeline, long after)
    {
        var first = timeline.EntryOf(after);
        first = first >= 0 && first < timeline.Count && timeline.SeqAt(first) <= after ? first + 1 : Math.Max(0, first);
        return first >= timeline.Count ? Scroll.End : Scrolling.Below(timeline, first, Math.Max(1, timeline.Size.Height - ContextRows));
    }

    private static Step AtUnread(Model model, RoomView room)
    {
        if (room.Unread == 0 || room.Messages.Count == 0)
        {
            return model;
        }

        var pane = model.Chat.Pane;
        if (room.OldestSeq > room.ReadSeq + 1 && room.HasOlder && room.Unread <= CatchUpMax)
        {
            return model with { Chat = model.Chat.With(room.Id, pane with { Wanted = room.ReadSeq + 1 }) };
        }

        return model with { Chat = model.Chat.With(room.Id, pane with { Scroll = AtNew(Update.TimelineOf(model, room), pane.NewAfter ?? room.ReadSeq) }) };
    }

    /// <summary>A room that is left keeps its draft, and nothing else of where one was.</summary>
    private static Step Close(Model model)
    {
        if (model.Chat.Open is not { } id)
        {
            return model;
        }

        var pane = model.Chat.Pane with { NewAfter = null, Selected = null, Completion = null, Scroll = Scroll.End, Wanted = null };
        return (model with { Chat = model.Chat.With(id, pane) }).Step().And(new Effect.ReleaseOlder(id));
    }
}
