using System.Collections.Immutable;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>Everything that the screen shows. Immutable; <see cref="Update"/> makes the next one, <see cref="View"/> draws it.</summary>
internal sealed record Model
{
    public required Size Size { get; init; }

    public required UiSettings Settings { get; init; }

    public required Keymap Keymap { get; init; }

    public required Theme Theme { get; init; }

    /// <summary>Moves on when something that is shown depends on it, so that an idle screen is not drawn again.</summary>
    public DateTimeOffset Now { get; init; }

    public TimeZoneInfo Zone { get; init; } = TimeZoneInfo.Utc;

    /// <summary>Whether the terminal has the focus; terminals that do not tell have it always.</summary>
    public bool Focused { get; init; } = true;

    public DateTimeOffset LastKeyAt { get; init; }

    /// <summary>The start screen, until somebody is signed in.</summary>
    public StartForm? Start { get; init; }

    public Chat Chat { get; init; } = new();

    /// <summary>Open dialogs, the topmost last.</summary>
    public ImmutableList<Dialog> Dialogs { get; init; } = [];

    /// <summary>A word about what just happened, until it is over.</summary>
    public Toast? Toast { get; init; }

    public Dialog? Dialog => Dialogs.Count > 0 ? Dialogs[^1] : null;

    public Model Push(Dialog dialog) => this with { Dialogs = Dialogs.Add(dialog) };

    public Model Pop() => Dialogs.Count == 0 ? this : this with { Dialogs = Dialogs.RemoveAt(Dialogs.Count - 1) };

    /// <summary>The topmost dialog in its next state.</summary>
    public Model With(Dialog dialog) => this with { Dialogs = Dialogs.SetItem(Dialogs.Count - 1, dialog) };

    public Model Say(string text, bool bad = false) => this with
    {
        Toast = new Toast(text, bad, Now + (bad ? Toast.LongLife : Toast.Life)),
    };
}

internal sealed record Toast(string Text, bool IsBad, DateTimeOffset Until)
{
    public static readonly TimeSpan Life = TimeSpan.FromSeconds(4);
    public static readonly TimeSpan LongLife = TimeSpan.FromSeconds(10);
}

/// <summary>The connection as the status line shows it.</summary>
internal enum Link
{
    Connecting,
    Online,
    Waiting,
}

/// <param name="Problem">Why it is not connected, for people.</param>
internal sealed record LinkView(Link State, string? Worker = null, int? LatencyMs = null, string? Problem = null, DateTimeOffset? RetryAt = null);

/// <summary>A message of one's own that is not in its room yet.</summary>
/// <param name="Waiting">It waits: for those before it, or for a connection. Else it is on its way.</param>
/// <param name="Seq">Once the server has it.</param>
internal sealed record PendingMessage(string ClientId, string Room, string Body, string? Kind, long? ReplyTo, bool Waiting, string? Problem, long At, long? Seq = null);

/// <summary>A file on its way.</summary>
internal sealed record Transfer(string Id, string Name, bool Upload, long Done, long? Total);

/// <summary>A signed-in account's rooms, and where one is in them.</summary>
internal sealed record Chat
{
    public string Me { get; init; } = "";

    public string Server { get; init; } = "";

    public LinkView Link { get; init; } = new(Ui.Link.Connecting);

    /// <summary>Without it nothing is known of who is here, and nobody is seen typing.</summary>
    public bool IsOnline => Link.State == Ui.Link.Online;

    public ImmutableDictionary<string, RoomView> Rooms { get; init; } = ImmutableDictionary<string, RoomView>.Empty;

    /// <summary>Ids as they are listed.</summary>
    public ImmutableArray<string> Order { get; init; } = [];

    public ImmutableArray<Invitation> Invitations { get; init; } = [];

    /// <summary>The id of the open room.</summary>
    public string? Open { get; init; }

    /// <summary>The room that was open before, to go back to.</summary>
    public string? Before { get; init; }

    /// <summary>By room, where one is in it.</summary>
    public ImmutableDictionary<string, Pane> Panes { get; init; } = ImmutableDictionary<string, Pane>.Empty;

    public ImmutableArray<PendingMessage> Pending { get; init; } = [];

    public ImmutableArray<Transfer> Transfers { get; init; } = [];

    public Memory Memory { get; init; } = new();

    public bool Away { get; init; }

    public bool Synced { get; init; }

    /// <summary>How far the list of rooms is scrolled with the wheel; null: as far as it takes to show the open one.</summary>
    public int? RoomsTop { get; init; }

    public RoomView? Room => Open is { } id ? Rooms.GetValueOrDefault(id) : null;

    /// <summary>The open room's id; where none is open one can still type commands.</summary>
    public string PaneId => Open ?? "";

    public Pane Pane => PaneOf(PaneId);

    public int Unsent => Pending.Count(p => p.Seq is null) + Memory.Failed.Length;

    public Pane PaneOf(string room) => Panes.GetValueOrDefault(room) ?? Pane.Empty with { Input = Editor.Of(Memory.Drafts.GetValueOrDefault(room) ?? "") };

    public Chat With(string room, Pane pane) => this with { Panes = Panes.SetItem(room, pane) };
}

internal sealed record Invitation(string Id, string Title);

/// <summary>What the input will make of its text.</summary>
internal enum Writing
{
    New,
    Reply,
    Edit,
}

/// <summary>Where one is in a room: what is typed, how far it is scrolled, what is chosen.</summary>
internal sealed record Pane
{
    public static readonly Pane Empty = new();

    public Editor Input { get; init; } = Editor.Empty;

    public Writing Writing { get; init; }

    /// <summary>The message that is answered or edited.</summary>
    public long Subject { get; init; }

    /// <summary>What was typed before an edit began.</summary>
    public Editor? SetAside { get; init; }

    public Scroll Scroll { get; init; } = Scroll.End;

    /// <summary>The message that stands out: chosen, clicked, or jumped to.</summary>
    public long? Selected { get; init; }

    /// <summary>Keys do something with <see cref="Selected"/>: it was chosen with keys. After a click or a jump one goes on writing.</summary>
    public bool ByKeys { get; init; }

    public bool IsActing => ByKeys && Selected is not null;

    /// <summary>The line for new messages stands above the first one after this; null: no line.</summary>
    public long? NewAfter { get; init; }

    public bool LoadingOlder { get; init; }

    /// <summary>The read mark that was last sent.</summary>
    public long Marked { get; init; }

    /// <summary>To be shown once it is loaded.</summary>
    public long? Wanted { get; init; }

    /// <summary>Null until they are fetched.</summary>
    public ImmutableArray<MemberView>? Members { get; init; }

    public Completion? Completion { get; init; }

    public ViState Vi { get; init; } = ViState.Insert;

    /// <summary>Texts that were sent, the latest last.</summary>
    public ImmutableList<string> Sent { get; init; } = [];

    /// <summary>How far back in them one is; 0: not.</summary>
    public int Recalled { get; init; }
}

/// <summary>How far a timeline is scrolled: which line is the bottom one.</summary>
/// <param name="Seq">The message at the bottom; null: the end of the room, which moves on.</param>
/// <param name="Skip">How many of that message's lines are below the pane.</param>
internal readonly record struct Scroll(long? Seq, int Skip)
{
    public static readonly Scroll End = new(null, 0);

    public bool IsEnd => Seq is null;
}
