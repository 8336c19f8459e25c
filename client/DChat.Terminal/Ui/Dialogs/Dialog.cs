using System.Collections.Immutable;
using DChat.Protocol;

namespace DChat.Terminal.Ui;

/// <summary>Something in front of the chat that wants an answer, or is looked at.</summary>
internal abstract record Dialog(string Title)
{
    /// <summary>Its question is with the server.</summary>
    public bool Busy { get; init; }

    /// <summary>Why that failed.</summary>
    public string? Problem { get; init; }

    /// <summary>All keys, and the commands.</summary>
    internal sealed record Help(int Top) : Dialog("Keys and commands");

    /// <summary>A text to read.</summary>
    internal sealed record Info(string Title, ImmutableArray<string> Lines, int Top = 0) : Dialog(Title);

    internal sealed record Confirm(string Title, string Text, string Yes, Choice OnYes, string? Other = null, Choice? OnOther = null) : Dialog(Title)
    {
        /// <summary>What cannot be undone: Enter cancels, only its letter says yes, and any other letter was meant for the input.</summary>
        public bool IsCareful { get; init; }
    }

    internal sealed record Form(FormKind Kind, string Title, string Submit, Fields Fields, string Subject = "", string Text = "") : Dialog(Title);

    internal sealed record Menu(MenuKind Kind, string Title) : Dialog(Title)
    {
        /// <summary>What is typed: a filter, or a query to the server.</summary>
        public Editor Typed { get; init; } = Editor.Empty;

        public ImmutableArray<MenuItem> Items { get; init; } = [];

        public int Selected { get; init; }

        /// <summary>The room or user that it is about.</summary>
        public string Subject { get; init; } = "";

        /// <summary>Where the server's list goes on; null: it does not.</summary>
        public string? Next { get; init; }

        /// <summary>The messages around the chosen search hit.</summary>
        public (string Room, long Seq, ImmutableArray<Message> Messages)? Context { get; init; }

        /// <summary>Whether what is typed filters the items here.</summary>
        public bool Filters => Kind is MenuKind.Finder or MenuKind.Emoji or MenuKind.Members or MenuKind.Bans or MenuKind.Commands;

        /// <summary>Whether what is typed is asked of the server.</summary>
        public bool Asks => Kind is MenuKind.Browse or MenuKind.Search or MenuKind.SearchEverywhere;

        public bool Types => Filters || Asks;

        /// <summary>What is asked of the server.</summary>
        public string Query => Kind is MenuKind.Search or MenuKind.SearchEverywhere ? SearchQuery.Of(Typed.Text) : Typed.Text.Trim();

        /// <summary>The query whose answer the items are; null: none yet.</summary>
        public string? Answered { get; init; }

        /// <summary>The items answer another query than the one that is typed: nobody chose among them.</summary>
        public bool IsBehind => Asks && Answered != Query;

        /// <summary>The items that fit what is typed, the best first.</summary>
        public ImmutableArray<MenuItem> Shown => !Filters || Typed.IsEmpty
            ? Items
            : [
                .. Items.Select(item => (Item: item, Score: Fuzzy.Score(Typed.Text.TrimStart('#', '@', '/', ':'), item.Text)))
                    .Where(found => found.Score is not null)
                    .OrderByDescending(found => found.Score)
                    .Select(found => found.Item),
            ];

        public MenuItem? Chosen => Shown is { Length: > 0 } shown ? shown[Math.Clamp(Selected, 0, shown.Length - 1)] : null;
    }
}

internal enum MenuKind
{
    Finder,
    Browse,
    Search,
    SearchEverywhere,
    Members,
    Member,
    Message,
    Emoji,
    Room,
    Notices,
    Bans,
    Invitation,
    Commands,
}

internal enum FormKind
{
    CreateRoom,
    Password,
    Invite,
    Topic,
    Settings,
    Upload,
    Reason,
    ChangePassword,
    DisplayName,
    Direct,
}

/// <param name="Key">A letter that chooses it at once, where nothing is typed; or none.</param>
internal sealed record MenuItem(string Text, string Detail, Choice Choice, string Key = "", bool Strong = false);

/// <summary>What a menu's item, or a confirmed question, does.</summary>
internal abstract record Choice
{
    private Choice()
    {
    }

    internal sealed record Go(string Room) : Choice;

    internal sealed record Jump(string Room, long Seq) : Choice;

    internal sealed record Join(string Room, string Title, bool HasPassword) : Choice;

    internal sealed record Direct(string User) : Choice;

    internal sealed record Run(Act Act) : Choice;

    internal sealed record Type(string Text) : Choice;

    internal sealed record Member(string User) : Choice;

    internal sealed record Ask(FormKind Form, string Subject = "") : Choice;

    internal sealed record Moderate(Moderation What, string User, int Minutes = 0) : Choice;

    internal sealed record Message(MessageAct Act, long Seq) : Choice;

    internal sealed record React(long Seq, string Emoji) : Choice;

    internal sealed record Notices : Choice;

    internal sealed record SetNotices(string Room, NoticeLevel Level) : Choice;

    /// <param name="Way">Null: as everywhere.</param>
    internal sealed record SetWay(string Room, NoticeWay? Way) : Choice;

    internal sealed record Bans : Choice;

    internal sealed record Sure(Dialog.Confirm Question) : Choice;

    internal sealed record Do(Effect Effect) : Choice;

    internal sealed record Insert(string Text) : Choice;

    internal sealed record SendAsFile(string Text) : Choice;

    internal sealed record DeleteMessage(string Room, long Seq) : Choice;
}

/// <summary>What one does with a message.</summary>
internal enum MessageAct
{
    Reply,
    React,
    Copy,
    Edit,
    Delete,
    GoToReplied,
    SaveFile,
    Author,
    Info,
    Retry,
    Discard,
    Open,
}
