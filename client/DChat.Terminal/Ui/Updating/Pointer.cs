using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>Clicks and the wheel on the chat.</summary>
internal static class Pointer
{
    private const int WheelRows = 3;

    public static Step Move(Model model, MouseInput mouse)
    {
        var layout = Layout.Of(model);
        return mouse.Kind switch
        {
            MouseKind.WheelUp or MouseKind.WheelDown => Wheel(model, layout, mouse),
            MouseKind.Down => Click(model, layout, mouse),
            _ => model,
        };
    }

    private static Step Wheel(Model model, Layout layout, MouseInput mouse)
    {
        var up = mouse.Kind == MouseKind.WheelUp;
        if (!layout.Rooms.Contains(mouse.X, mouse.Y))
        {
            return RoomMoves.ScrollBy(model, up ? WheelRows : -WheelRows);
        }

        return ScrollRooms(model, layout, up ? -WheelRows : WheelRows);
    }

    private static Step ScrollRooms(Model model, Layout layout, int by)
    {
        var window = RoomsPane.Window.Of(model, layout.Rooms.Height);
        var moved = Math.Clamp(window.Top + by, 0, Math.Max(0, window.Rows.Length - layout.Rooms.Height));
        return model with { Chat = model.Chat with { RoomsTop = moved } };
    }

    private static Step Click(Model model, Layout layout, MouseInput mouse)
    {
        var (x, y) = (mouse.X, mouse.Y);
        return layout.Rooms.Contains(x, y) ? ClickRoom(model, layout, y)
            : layout.Timeline.Contains(x, y) ? ClickMessage(model, layout, y, mouse.Button)
            : layout.Members.Contains(x, y) ? ClickMember(model, y)
            : layout.Header.Contains(x, y) ? Menus.Room(model)
            : layout.Between.Contains(x, y) ? ChatKeys.ToEnd(model)
            : layout.Input.Contains(x, y) ? ClickInput(model, layout, x, y)
            : model;
    }

    private static Step ClickRoom(Model model, Layout layout, int y)
    {
        var window = RoomsPane.Window.Of(model, layout.Rooms.Height);
        if ((y == 0 && window.NewAbove > 0) || (y == layout.Rooms.Height - 1 && window.NewBelow > 0))
        {
            return ScrollRooms(model, layout, (y == 0 ? -1 : 1) * Math.Max(1, layout.Rooms.Height / 2));
        }

        var (rows, at) = (window.Rows, window.Top + y);
        return at >= rows.Length ? model
            : rows[at].Room is { } id ? RoomMoves.Open(model, id)
            : rows[at].Invitation is { } invitation ? Menus.Invitation(model, invitation)
            : model;
    }

    /// <summary>The first click makes a message stand out, one on that shows what can be done; so does the right button.</summary>
    private static Step ClickMessage(Model model, Layout layout, int y, int button)
    {
        if (model.Chat.Room is not { } room)
        {
            return model;
        }

        var timeline = Update.TimelineOf(model, room);
        var hit = Scrolling.Visible(timeline, model.Chat.Pane.Scroll).Where(p => p.Y == y - layout.Timeline.Y && p.Row.Kind is RowKind.Body or RowKind.Header).Select(p => (int?)p.Entry).FirstOrDefault();
        if (hit is not { } entry)
        {
            return MessageKeys.Choose(model, null);
        }

        var seq = timeline.SeqAt(entry);
        return model.Chat.Pane.Selected == seq || button == 2
            ? MessageKeys.Choose(model, seq).Then(m => Menus.Message(m, seq))
            : MessageKeys.Choose(model, seq);
    }

    private static Step ClickMember(Model model, int y)
    {
        var rows = MembersPane.Rows(model);
        return y < rows.Length && rows[y].User is { } user ? Menus.Member(model, user) : model;
    }

    private static Step ClickInput(Model model, Layout layout, int x, int y)
    {
        var chosen = MessageKeys.Choose(model, null).Model;
        var pane = chosen.Chat.Pane;
        var text = EditorLayout.Of(pane.Input, Layout.InputWidth(layout.Input.Width));
        var window = text.Window(layout.Input.Height);
        var row = text.CursorRow - window.CursorRow + (y - layout.Input.Y);
        return row < 0 || row >= text.Rows.Count ? chosen : ChatKeys.Write(chosen, pane.Input.At(text.IndexOf(row, x - layout.Input.X - 3)));
    }
}

/// <summary>Clicks and the wheel on a dialog.</summary>
internal static class DialogPointer
{
    private const int WheelItems = 3;

    public static Step Move(Model model, MouseInput mouse)
    {
        var box = DialogBox.Of(model, model.Dialog!);
        return (model.Dialog, mouse.Kind) switch
        {
            (Dialog.Menu menu, MouseKind.WheelUp) => DialogKeys.Select(model, menu, menu.Selected - WheelItems, wrap: false),
            (Dialog.Menu menu, MouseKind.WheelDown) => DialogKeys.Select(model, menu, menu.Selected + WheelItems, wrap: false),
            (_, MouseKind.Down) when !box.Outer.Contains(mouse.X, mouse.Y) => model.Pop(),
            (Dialog.Menu menu, MouseKind.Down) when box.List.Contains(mouse.X, mouse.Y) => Click(model, menu, box.TopOf(menu) + mouse.Y - box.List.Y),
            (Dialog.Form form, MouseKind.Down) => ClickForm(model, form, mouse.Y - box.Inner.Y - (form.Text.Length > 0 ? 2 : 0)),
            _ => model,
        };
    }

    private static Step Click(Model model, Dialog.Menu menu, int index)
    {
        if (index >= menu.Shown.Length)
        {
            return model;
        }

        var chosen = menu with { Selected = index };
        return DialogKeys.Enter(model.With(chosen), chosen);
    }

    private static Step ClickForm(Model model, Dialog.Form form, int row) => row >= 0 && row < form.Fields.All.Length && !form.Busy
        ? model.With(form with { Fields = form.Fields with { Focus = row } })
        : model;
}
