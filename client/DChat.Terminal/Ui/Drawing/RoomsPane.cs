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

    /// <summary>The first row in view: as far down as it takes to show the open room.</summary>
    public static int Top(Model model, ImmutableArray<Entry> rows, int height)
    {
        if (rows.Length <= height)
        {
            return 0;
        }

        var top = Math.Clamp(model.Chat.RoomsTop, 0, rows.Length - height);
        var open = rows.ToList().FindIndex(r => r.Room is not null && r.Room == model.Chat.Open);
        return model.Chat.RoomsTop >= 0 && open >= 0 && model.Chat.RoomsTop == 0 && open >= height ? Math.Min(open - (height / 2), rows.Length - height) : top;
    }

    public static void Draw(Model model, Canvas canvas)
    {
        var rows = Rows(model);
        var top = Top(model, rows, canvas.Size.Height);
        for (var y = 0; y < canvas.Size.Height && top + y < rows.Length; y++)
        {
            DrawRow(model, canvas, y, rows[top + y]);
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
        var online = room.IsDirect || room.Online == 0 ? "" : room.Online.ToString(CultureInfo.InvariantCulture);
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
            x += canvas.Write(x, y, Dot(room), Over(IsOnline(room) ? theme.Good : theme.Dim)) + 1;
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

    private static string Dot(RoomView room) => PeerState(room) switch
    {
        PresenceStates.Online => "●",
        PresenceStates.Away => "◐",
        _ => "○",
    };

    private static bool IsOnline(RoomView room) => PeerState(room) == PresenceStates.Online;

    private static string? PeerState(RoomView room) =>
        room.Presence.FirstOrDefault(p => string.Equals(SafeText.Clean(p.Key), room.Title, StringComparison.OrdinalIgnoreCase)).Value;
}
