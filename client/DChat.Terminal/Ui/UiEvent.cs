using System.Collections.Immutable;
using DChat.Protocol;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>Something that the screen's state depends on. Texts from others in it are safe to draw, but for messages.</summary>
internal abstract record UiEvent
{
    private UiEvent()
    {
    }

    /// <summary>A key, the mouse, a paste, another size.</summary>
    internal sealed record Input(InputEvent What) : UiEvent;

    internal sealed record Tick(DateTimeOffset Now) : UiEvent;

    /// <summary>What the start screen asked of a server: null where it is a D-Chat server of this protocol.</summary>
    internal sealed record ServerProbed(string Server, string? Problem, string? Says, bool NeedsInvitation) : UiEvent;

    internal sealed record SignInFailed(string Problem) : UiEvent;

    internal sealed record SignedIn(string Me, string Server, Memory Memory) : UiEvent;

    /// <summary>The session ended.</summary>
    internal sealed record SignedOut(string Reason, StartForm Start) : UiEvent;

    internal sealed record LinkChanged(LinkView Link) : UiEvent;

    internal sealed record RoomChanged(RoomView Room) : UiEvent;

    internal sealed record RoomGone(string Room, string Title, string Reason) : UiEvent;

    internal sealed record Synced : UiEvent;

    internal sealed record InvitationsChanged(ImmutableArray<Invitation> Invitations) : UiEvent;

    internal sealed record PendingChanged(ImmutableArray<PendingMessage> Pending) : UiEvent;

    /// <summary>The server refused a message for good.</summary>
    internal sealed record SendRefused(FailedMessage Message) : UiEvent;

    /// <summary>Messages of others came in; only the latest is told.</summary>
    /// <param name="Mentioned">The latest one that names the user.</param>
    internal sealed record Arrived(string Room, Message Latest, Message? Mentioned) : UiEvent;

    internal sealed record OlderLoaded(string Room, string? Problem) : UiEvent;

    internal sealed record MembersListed(string Room, ImmutableArray<MemberView> Members) : UiEvent;

    internal sealed record RoomsListed(string Query, string? After, ImmutableArray<RoomSummary> Rooms, string? Next) : UiEvent;

    internal sealed record BansListed(string Room, ImmutableArray<BanInfo> Bans) : UiEvent;

    internal sealed record SearchDone(string Query, string? After, ImmutableArray<SearchHit> Hits, string? Next) : UiEvent;

    /// <summary>The messages around a search hit.</summary>
    internal sealed record ContextLoaded(string Room, long Seq, ImmutableArray<Message> Messages) : UiEvent;

    /// <summary>A room was made, joined or opened and shall be shown.</summary>
    /// <param name="Text">What shall be sent there; empty: nothing.</param>
    internal sealed record RoomReady(string Room, string Text = "") : UiEvent;

    /// <summary>A room asks for a password.</summary>
    internal sealed record PasswordNeeded(string Room, string Title, bool WasWrong) : UiEvent;

    /// <summary>What was asked for is done; a dialog that waited for it closes.</summary>
    internal sealed record Done(string? Says) : UiEvent;

    /// <summary>What was asked for failed; a dialog that waited for it says why and stays.</summary>
    internal sealed record Failed(string Problem) : UiEvent;

    internal sealed record TransferChanged(Transfer Transfer) : UiEvent;

    internal sealed record TransferEnded(string Id, string Says, bool Bad) : UiEvent;

    /// <summary>Names of files that begin as asked.</summary>
    internal sealed record PathsListed(string Prefix, ImmutableArray<string> Paths) : UiEvent;
}
