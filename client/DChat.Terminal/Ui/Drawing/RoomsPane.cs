using System.Collections.Immutable;
using System.Globalization;
using DChat.Protocol;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>The rooms on the left.</summary>
internal static class RoomsPane
{
    /// <param name="Room">Its id; null for another row.</param>
    internal sealed record Entry(string Text, string? Room = null, Invitation? Invitation = null, int Number = 0, bool IsHead = false);

    public static ImmutableArray<Entry> Rows(Model model)
    {
        var chat = model.Chat;
        List<Entry> rows = [];
        if (chat.Invitations.Length > 0)
        {
            rows.Add(new Entry("Invitations", IsHead: true));
            rows.AddRange(chat.Invitations.Select(i => new Entry(i.Title, Invitation: i)));
            rows.Add(new Entry(""));
        }

        rows.Add(new Entry("Rooms", IsHead: true));
        var direct = false;
        for (var i = 0; i < chat.Order.Length; i++)
        {
            var room = chat.Rooms[chat.Order[i]];
            if (room.IsDirect && !direct)
            {
                direct = true;
                rows.Add(new Entry(""));
                rows.Add(new Entry("Direct", IsHead: true));
            }

            rows.Add(new Entry(room.Title, room.Id, Number: i + 1));
        }

        return [.. rows];
    }

    /// <summary>The rows that are in view.</summary>
    /// <param name="Top">The first of them.</param>
    /// <param name="NewAbove">Rooms with something new that are hidden above; the first row says so.</param>
    /// <param name="NewBelow">The same below, in the last row.</param>
    internal readonly record struct Window(ImmutableArray<Entry> Rows, int Top, int NewAbove, int NewBelow)
    {
        /// <summary>With fewer rows there is no room to say what is hidden.</summary>
        private const int SaysFrom = 5;

        public static Window Of(Model model, int height)
        {
            var rows = RoomsPane.Rows(model);
            if (rows.Length <= height)
            {
                return new Window(rows, 0, 0, 0);
            }

            var top = Math.Clamp(model.Chat.RoomsTop ?? ToOpen(model, rows, height), 0, rows.Length - height);
            if (height < SaysFrom)
            {
                return new Window(rows, top, 0, 0);
            }

            var (newAbove, newBelow) = (CountNew(model, rows.AsSpan()[..top]), CountNew(model, rows.AsSpan()[(top + height)..]));

            // What says it covers a row itself.
            return new Window(rows, top, newAbove > 0 ? newAbove + CountNew(model, rows.AsSpan(top, 1)) : 0, newBelow > 0 ? newBelow + CountNew(model, rows.AsSpan(top + height - 1, 1)) : 0);
        }

        /// <summary>From the top where that shows the open room, else with it in the middle.</summary>
        private static int ToOpen(Model model, ImmutableArray<Entry> rows, int height)
        {
            var open = rows.ToList().FindIndex(r => r.Room is not null && r.Room == model.Chat.Open);
            return open < height - 1 ? 0 : open - (height / 2);
        }

        private static int CountNew(Model model, ReadOnlySpan<Entry> rows)
        {
            var count = 0;
            foreach (var row in rows)
            {
                count += row.Invitation is not null || (row.Room is { } id && Badge(model, model.Chat.Rooms[id]).Text.Length > 0) ? 1 : 0;
            }

            return count;
        }
    }

    public static void Draw(Model model, Canvas canvas)
    {
        var height = canvas.Size.Height;
        var window = Window.Of(model, height);
        for (var y = 0; y < height && window.Top + y < window.Rows.Length; y++)
        {
            var hidden = y == 0 ? window.NewAbove : y == height - 1 ? window.NewBelow : 0;
            if (hidden > 0)
            {
                canvas.Write(1, y, string.Create(CultureInfo.InvariantCulture, $"{(y == 0 ? "↑" : "↓")} {hidden} new"), model.Theme.New);
            }
            else
            {
                DrawRow(model, canvas, y, window.Rows[window.Top + y]);
            }
        }
    }

    private static void DrawRow(Model model, Canvas canvas, int y, Entry row)
    {
        var theme = model.Theme;
        if (row.IsHead)
        {
            canvas.Write(1, y, row.Text, theme.Dim);
        }
        else if (row.Invitation is not null)
        {
            canvas.Write(1, y, "+ " + TextWidth.Truncate(row.Text, canvas.Size.Width - 4), theme.Mention);
        }
        else if (row.Room is { } id)
        {
            DrawRoom(model, canvas, y, row, model.Chat.Rooms[id]);
        }
    }

    private static void DrawRoom(Model model, Canvas canvas, int y, Entry row, RoomView room)
    {
        var theme = model.Theme;
        var open = room.Id == model.Chat.Open;
        var width = canvas.Size.Width;
        Style Over(Style style) => open ? theme.Over(style) : style;
        if (open)
        {
            canvas.Fill(new Rect(0, y, width, 1), theme.Over(theme.Text));
            canvas.Write(0, y, "▌", Over(theme.Accent));
        }

        // Ten numbers have a key.
        var number = row.Number <= 10 ? (row.Number % 10).ToString(CultureInfo.InvariantCulture) : " ";
        canvas.Write(1, y, number, Over(theme.Dim));
        var (badge, style) = Badge(model, room);
        var right = width - 1 - badge.Length;
        canvas.Write(right, y, badge, Over(style));
        var online = room.IsDirect || room.Online == 0 || !model.Chat.IsOnline ? "" : room.Online.ToString(CultureInfo.InvariantCulture);
        if (online.Length > 0 && width >= 20)
        {
            right -= online.Length + (badge.Length > 0 ? 1 : 0);
            canvas.Write(right, y, online, Over(theme.Dim));
        }

        var quiet = room.Archived || model.Chat.Memory.Notices.GetValueOrDefault(room.Id) == NoticeLevel.None;
        var name = Over(room.Unread > 0 && !quiet ? theme.Strong : open ? theme.Text : quiet ? theme.Dim : theme.Text);
        var x = 3;
        if (room.IsDirect)
        {
            x += canvas.Write(x, y, Dot(model, room), Over(IsOnline(model, room) ? theme.Good : theme.Dim)) + 1;
        }

        canvas.Write(x, y, TextWidth.Truncate(room.Title, right - x - 1), name);
        if (model.Chat.Memory.Drafts.ContainsKey(room.Id) && !open)
        {
            canvas.Write(2, y, "✎", Over(theme.Dim));
        }
    }

    private static (string Text, Style Style) Badge(Model model, RoomView room)
    {
        var theme = model.Theme;
        var forMe = room.IsDirect ? room.Unread : room.Mentions;
        var inView = room.Id == model.Chat.Open && model.Focused && model.Chat.Pane.Scroll.IsEnd;
        return room.Unread == 0 || inView ? ("", theme.Dim)
            : forMe > 0 ? (room.IsDirect ? Short(forMe) : $"@{Short(forMe)}", theme.Mention)
            : (Short(room.Unread), model.Chat.Memory.Notices.GetValueOrDefault(room.Id) == NoticeLevel.None ? theme.Dim : theme.New);
    }

    private static string Short(long count) => count > 999 ? "999+" : count.ToString(CultureInfo.InvariantCulture);

    private static string Dot(Model model, RoomView room) => PeerState(model, room) switch
    {
        PresenceStates.Online => "●",
        PresenceStates.Away => "◐",
        _ => "○",
    };

    private static bool IsOnline(Model model, RoomView room) => PeerState(model, room) == PresenceStates.Online;

    private static string? PeerState(Model model, RoomView room) => !model.Chat.IsOnline ? null
        : room.Presence.FirstOrDefault(p => string.Equals(SafeText.Clean(p.Key), room.Title, StringComparison.OrdinalIgnoreCase)).Value;
}
