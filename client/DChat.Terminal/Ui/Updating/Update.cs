using System.Globalization;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>The next state after an event, and what is to be done: a pure function.</summary>
internal static class Update
{
    /// <summary>Rows above the pane that are loaded before one scrolls to them.</summary>
    private const int LoadAhead = 40;

    public static Step Apply(Model model, UiEvent happened)
    {
        var step = happened switch
        {
            UiEvent.Input { What: Resized resized } => Resize(model, resized.Size),
            UiEvent.Input { What: FocusChanged focus } => Focus(model, focus.Focused),
            UiEvent.Input { What: AbilitiesChanged changed } => model with { Theme = Themes.For(model.Settings.Theme, changed.Abilities) },
            UiEvent.Input input => Input(model with { LastKeyAt = model.Now }, input.What),
            UiEvent.Tick tick => Tick(model, tick.Now),
            _ when model.Start is not null => StartScreen.Apply(model, happened),
            _ => Incoming.Apply(model, happened),
        };
        return Settle(model, step);
    }

    private static Step Input(Model model, InputEvent input)
    {
        var awake = model.Chat.Away && model.Start is null
            ? (model with { Chat = model.Chat with { Away = false } }).Step().And(new Effect.SetAway(false))
            : model.Step();
        return awake.Then(m => m.Start is not null ? StartScreen.Input(m, input)
            : m.Dialog is not null ? DialogKeys.Input(m, input)
            : input switch
            {
                KeyPressed key => ChatKeys.Press(m, key),
                Pasted paste => ChatKeys.Paste(m, paste.Text),
                MouseInput mouse => Pointer.Move(m, mouse),
                _ => m,
            });
    }

    private static Step Resize(Model model, Size size) => model with { Size = size };

    private static Step Focus(Model model, bool focused)
    {
        var room = model.Chat.Room;
        if (room is null || model.Focused == focused)
        {
            return model with { Focused = focused };
        }

        // What comes while somebody looks elsewhere is new when they look again.
        var pane = model.Chat.Pane;
        var kept = !focused && pane.Scroll.IsEnd && pane.NewAfter is { } after && room.NewestSeq > after ? pane with { NewAfter = null } : pane;
        return model with { Focused = focused, Chat = model.Chat.With(room.Id, kept) };
    }

    private static Step Tick(Model model, DateTimeOffset now)
    {
        var over = model.Toast is { } toast && toast.Until <= now;
        var counting = model.Start is null && model.Chat.Link is { State: Link.Waiting, RetryAt: not null };
        var minute = now.ToUnixTimeSeconds() / 60 != model.Now.ToUnixTimeSeconds() / 60;
        var next = over || counting || minute ? model with { Now = now, Toast = over ? null : model.Toast } : model;
        var idle = model.Settings.AwayMinutes > 0 && now - model.LastKeyAt >= TimeSpan.FromMinutes(model.Settings.AwayMinutes);
        return idle && !model.Chat.Away && model.Start is null && model.Chat.Link.State == Link.Online
            ? (next with { Chat = next.Chat with { Away = true } }).Step().And(new Effect.SetAway(true))
            : next;
    }

    /// <summary>What follows from every state: pages to load, the read mark, drafts to keep, the title.</summary>
    private static Step Settle(Model before, Step step)
    {
        var model = step.Model;
        if (model.Start is not null || ReferenceEquals(before, model))
        {
            return step;
        }

        if (model.Chat.Room is { } room)
        {
            step = step.Then(m => ShowWanted(m, room)).Then(m => LoadMore(m, room)).Then(m => MarkRead(m, room));
        }

        if (!ReferenceEquals(before.Chat.Memory, step.Model.Chat.Memory) && before.Start is null)
        {
            step = step.And(new Effect.Remember(step.Model.Chat.Memory));
        }

        var title = TitleOf(step.Model);
        return before.Start is null && title == TitleOf(before) ? step : step.And(new Effect.SetTitle(title));
    }

    private static Step ShowWanted(Model model, RoomView room)
    {
        var pane = model.Chat.Pane;
        if (pane.Wanted is not { } seq || room.Messages.Count == 0)
        {
            return model;
        }

        if (room.OldestSeq > seq && room.HasOlder)
        {
            return pane.LoadingOlder || model.Chat.Link.State != Link.Online
                ? model
                : (model with { Chat = model.Chat.With(room.Id, pane with { LoadingOlder = true }) }).Step().And(new Effect.LoadOlder(room.Id, seq));
        }

        var timeline = TimelineOf(model, room);
        var entry = timeline.EntryOf(seq);
        var isNew = pane.NewAfter is { } after && seq == after + 1;
        var scroll = isNew ? RoomMoves.AtNew(timeline, after: seq - 1) : Scrolling.Center(timeline, entry);
        return model with
        {
            Chat = model.Chat.With(room.Id, pane with { Wanted = null, Scroll = scroll, Selected = isNew ? null : timeline.SeqAt(entry), ByKeys = false }),
        };
    }

    private static Step LoadMore(Model model, RoomView room)
    {
        var pane = model.Chat.Pane;
        if (!room.HasOlder || pane.LoadingOlder || model.Chat.Link.State != Link.Online || room.Messages.Count == 0)
        {
            return model;
        }

        var timeline = TimelineOf(model, room);
        var bottom = pane.Scroll.Seq is { } seq ? timeline.EntryOf(seq) : timeline.Count - 1;
        return bottom - timeline.Size.Height > LoadAhead
            ? model
            : (model with { Chat = model.Chat.With(room.Id, pane with { LoadingOlder = true }) }).Step().And(new Effect.LoadOlder(room.Id, null));
    }

    /// <summary>What is in view, of a terminal that somebody looks at, is read; so is what follows of one's own.</summary>
    private static Step MarkRead(Model model, RoomView room)
    {
        var pane = model.Chat.Pane;
        var looking = model.Focused && pane.Wanted is null;
        var seen = room.AfterOwn(!looking ? room.ReadSeq : pane.Scroll.Seq is { } seq && seq < Timeline.FailedFrom ? seq : room.NewestSeq, model.Chat.Me);
        var isNews = seen > room.ReadSeq && seen > pane.Marked;
        return isNews
            ? (model with { Chat = model.Chat.With(room.Id, pane with { Marked = seen }) }).Step().And(new Effect.MarkRead(room.Id, seen))
            : model;
    }

    private static string TitleOf(Model model)
    {
        var chat = model.Chat;
        var waiting = chat.Rooms.Values.Sum(room => room.IsDirect ? room.Unread : room.Mentions);
        var count = waiting > 0 ? string.Create(CultureInfo.InvariantCulture, $"({waiting}) ") : "";
        return chat.Room is { } room ? $"{count}{room.Address} · d-chat" : $"{count}d-chat";
    }

    public static Timeline TimelineOf(Model model, RoomView room)
    {
        var area = Layout.Of(model).Timeline;
        return new Timeline(model, room, new Size(Math.Max(1, area.Width), Math.Max(1, area.Height)));
    }

    public static Step Step(this Model model) => model;
}
