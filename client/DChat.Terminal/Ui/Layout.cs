using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>Where everything is on the screen. Panes give way by themselves when it is narrow; lines between them when it is low.</summary>
internal sealed record Layout
{
    private const int RoomsFrom = 64;
    private const int MembersFrom = 96;
    private const int RulesFrom = 14;
    private const int InputRowsMax = 8;
    private const int TimelineMin = 20;

    /// <summary>Empty where it is hidden.</summary>
    public Rect Rooms { get; private init; }

    public Rect Members { get; private init; }

    /// <summary>Name and topic of the room.</summary>
    public Rect Header { get; private init; }

    public Rect Timeline { get; private init; }

    /// <summary>The row between messages and input, with who is typing; empty where there is no room for it.</summary>
    public Rect Between { get; private init; }

    /// <summary>What is answered or edited; empty when nothing is.</summary>
    public Rect Context { get; private init; }

    public Rect Input { get; private init; }

    public Rect Status { get; private init; }

    public bool HasRules { get; private init; }

    public static Layout Of(Model model)
    {
        var (width, height) = model.Size;
        var rules = height >= RulesFrom;
        var rooms = RoomsWidth(model, width);
        var members = MembersWidth(model, width, rooms);
        var (x, right) = (rooms == 0 ? 0 : rooms + 1, members == 0 ? width : width - members - 1);
        var main = Math.Max(1, right - x);
        var status = height > 2 ? StatusLine.RowsOf(model) : 0;
        var body = Math.Max(0, height - status);
        var inputRows = Math.Clamp(EditorLayout.Of(model.Chat.Pane.Input, InputWidth(main)).Rows.Count, 1, Math.Clamp(height / 3, 1, InputRowsMax));
        var left = body - inputRows;
        // What is most needed takes its rows first.
        var context = Take(ref left, model.Chat.Pane.Writing == Writing.New ? 0 : 1);
        var between = Take(ref left, rules ? 1 : 0);
        var header = Take(ref left, rules ? 2 : height > 4 ? 1 : 0);
        var timeline = Math.Max(0, left);
        var inputY = body - inputRows;
        return new Layout
        {
            Rooms = new Rect(0, 0, rooms, body),
            Members = new Rect(width - members, 0, members, body),
            Header = new Rect(x, 0, main, header),
            Timeline = new Rect(x, header, main, timeline),
            Between = new Rect(x, inputY - context - between, main, between),
            Context = new Rect(x, inputY - context, main, context),
            Input = new Rect(x, inputY, main, inputRows),
            Status = new Rect(0, height - status, width, status),
            HasRules = rules,
        };
    }

    /// <summary>Columns for the text itself, behind the prompt.</summary>
    public static int InputWidth(int pane) => Math.Max(2, pane - 3);

    private static int Take(ref int left, int wanted)
    {
        var taken = Math.Clamp(wanted, 0, Math.Max(0, left));
        left -= taken;
        return taken;
    }

    private static int RoomsWidth(Model model, int width)
    {
        var wanted = Math.Clamp(width / 4, 14, 26);
        return (model.Chat.Memory.RoomsPane ?? width >= RoomsFrom) && width - wanted - 1 >= TimelineMin ? wanted : 0;
    }

    private static int MembersWidth(Model model, int width, int rooms)
    {
        var wanted = Math.Clamp(width / 6, 14, 20);
        return (model.Chat.Memory.MembersPane ?? width >= MembersFrom) && width - rooms - wanted - 2 >= TimelineMin ? wanted : 0;
    }
}
