using DChat.Protocol;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>What a row of the timeline is.</summary>
internal enum RowKind
{
    /// <summary>Words in the middle of a thin line: a day.</summary>
    Day,

    /// <summary>The line above new messages.</summary>
    New,

    /// <summary>Words about the room's beginning.</summary>
    Edge,

    /// <summary>The author above the text, where it is too narrow for a column of authors.</summary>
    Header,
    Body,
}

/// <param name="Gutter">Time and author, left of the text; drawn from the pane's left edge.</param>
/// <param name="Line">The text, drawn from <see cref="Timeline.BodyX"/>; or the words of a line across.</param>
internal sealed record Row(RowKind Kind, StyledLine Gutter, StyledLine Line);

/// <summary>
/// The open room's messages as rows of a pane of some size: each message's rows are made when asked for. Entries are the
/// messages, then those that were not sent, then those on their way.
/// </summary>
internal sealed class Timeline
{
    /// <summary>A group of messages of one author ends after such a pause.</summary>
    private static readonly long GroupPause = (long)TimeSpan.FromMinutes(5).TotalMilliseconds;

    /// <summary>From this number on an entry is one that was not sent: its place in the list of those.</summary>
    public const long FailedFrom = 1L << 60;

    /// <summary>From this number on an entry is on its way.</summary>
    public const long PendingFrom = 1L << 61;

    private const int WideFrom = 56;
    private const int NameWidth = 12;
    private const int TimeWidth = 5;

    private readonly Model model;
    private readonly RoomView room;
    private readonly Pane pane;
    private readonly List<(long Seq, Message Message, string Note, bool Bad)> unsent = [];

    public Timeline(Model model, RoomView room, Size size)
    {
        (this.model, this.room, Size) = (model, room, size);
        pane = model.Chat.PaneOf(room.Id);
        var failed = model.Chat.Memory.Failed;
        for (var i = 0; i < failed.Length; i++)
        {
            if (failed[i].Room == room.Id)
            {
                var f = failed[i];
                unsent.Add((FailedFrom + i, UnsentMessages.Of(f.Id, f.Body, f.Kind, f.ReplyTo, f.At, model.Chat.Me), $"✗ not sent: {f.Problem}", true));
            }
        }

        for (var i = 0; i < model.Chat.Pending.Length; i++)
        {
            var p = model.Chat.Pending[i];
            if (p.Room == room.Id)
            {
                unsent.Add((PendingFrom + i, UnsentMessages.Of(p.ClientId, p.Body, p.Kind, p.ReplyTo, p.At, model.Chat.Me), NoteOf(p), false));
            }
        }
    }

    public Size Size { get; }

    public int Count => room.Messages.Count + unsent.Count;

    /// <summary>Whether authors stand in a column of their own.</summary>
    public bool IsWide => Size.Width >= WideFrom;

    /// <summary>The column at which texts begin.</summary>
    public int BodyX => IsWide ? 1 + TimeWidth + 1 + NameWidth + 2 : 2;

    private int BodyWidth => Math.Max(4, Size.Width - BodyX - 1);

    public Message MessageAt(int entry) => entry < room.Messages.Count ? room.Messages[entry] : unsent[entry - room.Messages.Count].Message;

    public long SeqAt(int entry) => entry < room.Messages.Count ? room.Messages[entry].Seq : unsent[entry - room.Messages.Count].Seq;

    /// <summary>The entry of this number, or the nearest one before it; -1 where there is none.</summary>
    public int EntryOf(long seq)
    {
        if (seq >= FailedFrom)
        {
            var index = unsent.FindIndex(u => u.Seq == seq);
            return index < 0 ? Count - 1 : room.Messages.Count + index;
        }

        var found = room.IndexOf(seq);
        return found >= 0 ? found : Math.Max(~found - 1, room.Messages.Count > 0 ? 0 : -1);
    }

    public IReadOnlyList<Row> RowsOf(int entry)
    {
        List<Row> rows = [];
        var message = MessageAt(entry);
        var before = entry > 0 ? MessageAt(entry - 1) : null;
        if (entry == 0)
        {
            rows.Add(EdgeRow());
        }

        var newDay = before is null || !TimeText.SameDay(before.SentAt, message.SentAt, model.Zone);
        if (newDay)
        {
            rows.Add(new Row(RowKind.Day, StyledLine.Empty, new StyledLine(TimeText.Day(message.SentAt, model.Now, model.Zone), model.Theme.Dim)));
        }

        var newHere = pane.NewAfter is { } after && message.Seq > after && SeqAt(entry) < FailedFrom && (before is null || before.Seq <= after);
        if (newHere)
        {
            rows.Add(new Row(RowKind.New, StyledLine.Empty, new StyledLine("new", model.Theme.New)));
        }

        var grouped = !newDay && !newHere && before is not null && Continues(before, message);
        if (!IsWide && !grouped && message.Kind == MessageKinds.Text)
        {
            rows.Add(new Row(RowKind.Header, StyledLine.Empty, HeaderOf(message)));
        }

        var lines = Lines(entry, message);
        for (var i = 0; i < lines.Count; i++)
        {
            rows.Add(new Row(RowKind.Body, i == 0 && IsWide ? GutterOf(message, grouped) : StyledLine.Empty, lines[i]));
        }

        return rows;
    }

    /// <summary>The row at the top of the pane says whose it is and when, though the message began above it, or follows on another.</summary>
    public Row WithAuthor(Row row, int entry) => IsWide ? row with { Gutter = GutterOf(MessageAt(entry), grouped: false) } : row;

    private IReadOnlyList<StyledLine> Lines(int entry, Message message)
    {
        var reply = message.ReplyTo is { } to && message.DeletedAt is null ? ReplyText(to) : null;
        if (entry < room.Messages.Count)
        {
            return MessageBody.Of(message, BodyWidth, model.Theme, model.Chat.Me, reply);
        }

        var (_, _, note, bad) = unsent[entry - room.Messages.Count];
        return MessageBody.Of(message, BodyWidth, model.Theme, model.Chat.Me, reply, note, bad);
    }

    private string ReplyText(long seq)
    {
        const int PreviewMax = 120;
        return room.Find(seq) is { } answered
            ? $"{SafeText.Clean(answered.Author)}: {MessageBody.Preview(answered, PreviewMax)}"
            : "an earlier message";
    }

    private static bool Continues(Message before, Message message) =>
        before.Kind == MessageKinds.Text
        && message.Kind == MessageKinds.Text
        && string.Equals(before.Author, message.Author, StringComparison.OrdinalIgnoreCase)
        && message.SentAt - before.SentAt < GroupPause;

    private Row EdgeRow()
    {
        var text = room.IsPlaceholder ? "the messages follow once a server answers"
            : room.HasOlder ? pane.LoadingOlder ? "loading earlier messages …" : "earlier messages"
            : room.IsDirect ? $"The beginning of your talk with {room.Title}"
            : $"The beginning of {room.Address}";
        return new Row(RowKind.Edge, StyledLine.Empty, new StyledLine(text, model.Theme.Dim));
    }

    private StyledLine GutterOf(Message message, bool grouped)
    {
        var theme = model.Theme;
        if (grouped)
        {
            return StyledLine.Empty;
        }

        var author = SafeText.Clean(message.Author);
        var name = message.Kind switch
        {
            MessageKinds.System => new Span(Right("·"), theme.Dim),
            MessageKinds.Action => new Span(Right("∗"), theme.NameOf(author)),
            _ => new Span(Right(TextWidth.Truncate(author, NameWidth)), theme.NameOf(author)),
        };
        return new StyledLine([new Span(" " + Time(message).PadLeft(TimeWidth) + " ", theme.Dim), name]);
    }

    private StyledLine HeaderOf(Message message)
    {
        var author = SafeText.Clean(message.Author);
        return new StyledLine([
            new Span(" " + TextWidth.Truncate(author, Math.Max(4, Size.Width - TimeWidth - 3)), model.Theme.NameOf(author)),
            new Span(" " + Time(message), model.Theme.Dim),
        ]);
    }

    private string Time(Message message) => model.Chat.Memory.RelativeTimes
        ? TimeText.Age(message.SentAt, model.Now)
        : TimeText.Clock(message.SentAt, model.Zone);

    private static string Right(string name) => new string(' ', Math.Max(0, NameWidth - TextWidth.Of(name))) + name;

    private static string NoteOf(PendingMessage pending) => pending switch
    {
        { Seq: not null } => "",
        { Waiting: true, Problem: { } problem } => $"◌ waiting: {problem}",
        { Waiting: true } => "◌ waiting",
        _ => "◌ sending",
    };
}
