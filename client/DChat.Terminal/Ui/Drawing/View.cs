using System.Globalization;
using DChat.Protocol;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>Draws the state: a pure function of it. Only what is in view is laid out.</summary>
internal static class View
{
    public static void Draw(Model model, Canvas canvas)
    {
        if (model.Start is { } start)
        {
            StartView.Draw(model, start, canvas);
        }
        else
        {
            DrawChat(model, canvas);
        }

        if (model.Dialog is { } dialog)
        {
            DialogView.Draw(model, dialog, canvas);
        }
    }

    private static void DrawChat(Model model, Canvas canvas)
    {
        var layout = Layout.Of(model);
        if (layout.Rooms.Width > 0)
        {
            RoomsPane.Draw(model, canvas.Clip(layout.Rooms));
            Vertical(model, canvas, layout.Rooms.Right, layout.Rooms.Height);
        }

        if (layout.Members.Width > 0)
        {
            MembersPane.Draw(model, canvas.Clip(layout.Members));
            Vertical(model, canvas, layout.Members.X - 1, layout.Members.Height);
        }

        DrawHeader(model, canvas.Clip(layout.Header));
        if (model.Chat.Room is { } room)
        {
            TimelineView.Draw(model, room, canvas.Clip(layout.Timeline));
        }
        else
        {
            DrawEmpty(model, canvas.Clip(layout.Timeline));
        }

        DrawBetween(model, canvas.Clip(layout.Between));
        InputView.Draw(model, canvas, layout, hasCursor: model.Dialog is null);
        StatusLine.Draw(model, canvas.Clip(layout.Status));
    }

    private static void DrawHeader(Model model, Canvas canvas)
    {
        var theme = model.Theme;
        if (canvas.Size.Height == 0)
        {
            return;
        }

        if (model.Chat.Room is { } room)
        {
            var name = TextWidth.Truncate(room.Address, Math.Max(6, canvas.Size.Width - 12));
            var x = 1 + canvas.Write(1, 0, name, theme.Strong);
            var marks = $"{(room.IsPrivate && !room.IsDirect ? " private" : "")}{(room.Archived ? " archived" : "")}";
            x += canvas.Write(x, 0, marks, theme.Dim);
            var online = room.IsPlaceholder || !model.Chat.IsOnline ? "" : room.IsDirect ? PresenceText(room) : string.Create(CultureInfo.InvariantCulture, $"{room.Online} of {Math.Max(Math.Max(room.Members, room.Online), model.Chat.Pane.Members?.Length ?? 0)} here");
            var right = canvas.Size.Width - TextWidth.Of(online) - 1;
            if (right > x + 2)
            {
                canvas.Write(right, 0, online, theme.Dim);
                canvas.Write(x + 2, 0, TextWidth.Truncate(room.Topic, right - x - 4), theme.Dim);
            }
        }

        if (canvas.Size.Height > 1)
        {
            canvas.Write(0, 1, new string('─', canvas.Size.Width), theme.Rule);
        }
    }

    private static string PresenceText(RoomView room) =>
        room.Presence.FirstOrDefault(p => string.Equals(SafeText.Clean(p.Key), room.Title, StringComparison.OrdinalIgnoreCase)).Value switch
        {
            PresenceStates.Online => "online",
            PresenceStates.Away => "away",
            _ => "not here",
        };

    /// <summary>What a newcomer sees: what to do first.</summary>
    private static void DrawEmpty(Model model, Canvas canvas)
    {
        var theme = model.Theme;
        (string Text, Style Style)[] lines = !model.Chat.Synced
            ? [("Connecting …", theme.Dim)]
            :
            [
                ($"Welcome, {model.Chat.Me}.", theme.Strong),
                ("You are in no room yet.", theme.Dim),
                ("", theme.Dim),
                ($"{model.Keymap.KeyOf(Act.BrowseRooms),-8} look for rooms", theme.Text),
                ($"{model.Keymap.KeyOf(Act.CreateRoom),-8} make one", theme.Text),
                ("/msg NAME write to somebody", theme.Text),
                ($"{model.Keymap.KeyOf(Act.Help),-8} all keys", theme.Text),
            ];
        var width = lines.Max(line => TextWidth.Of(line.Text));
        var (x, y) = (Math.Max(1, (canvas.Size.Width - width) / 2), Math.Max(0, (canvas.Size.Height - lines.Length) / 2));
        for (var i = 0; i < lines.Length; i++)
        {
            canvas.Write(x, y + i, lines[i].Text, lines[i].Style);
        }
    }

    /// <summary>A thin line; in it, who is typing, or that there is more below.</summary>
    private static void DrawBetween(Model model, Canvas canvas)
    {
        if (canvas.Size.Height == 0)
        {
            return;
        }

        canvas.Write(0, 0, new string('─', canvas.Size.Width), model.Theme.Rule);
        var (text, style) = Below(model);
        if (text.Length > 0)
        {
            canvas.Write(2, 0, $" {TextWidth.Truncate(text, canvas.Size.Width - 6)} ", style);
        }
    }

    public static (string Text, Style Style) Below(Model model)
    {
        var (room, pane, theme) = (model.Chat.Room, model.Chat.Pane, model.Theme);
        if (room is not null && !pane.Scroll.IsEnd)
        {
            var below = pane.Scroll.Seq is { } seq && seq < Timeline.FailedFrom ? room.NewestSeq - seq : 0;
            return below > 0
                ? (string.Create(CultureInfo.InvariantCulture, $"↓ {below:N0} more · {model.Keymap.KeyOf(Act.LastMessage)}"), room.Unread > 0 ? theme.New : theme.Dim)
                : ("", theme.Dim);
        }

        return (room is null || !model.Chat.IsOnline ? "" : TypingText(room), theme.Dim);
    }

    private static string TypingText(RoomView room) => room.Typing switch
    {
        [] => "",
        [var one] => $"{one} is typing …",
        [var one, var two] => $"{one} and {two} are typing …",
        [var one, var two, ..] => string.Create(CultureInfo.InvariantCulture, $"{one}, {two} and {room.Typing.Length - 2} more are typing …"),
    };

    private static void Vertical(Model model, Canvas canvas, int x, int height)
    {
        for (var y = 0; y < height; y++)
        {
            canvas.Write(x, y, "│", model.Theme.Rule);
        }
    }
}
