using System.Collections.Immutable;

namespace DChat.Terminal.Ui;

/// <summary>Something to do outside the model. The shell does it; what comes of it returns as a <see cref="UiEvent"/>.</summary>
internal abstract record Effect
{
    private Effect()
    {
    }

    internal sealed record Quit : Effect;

    /// <summary>What Ctrl-Z does.</summary>
    internal sealed record Suspend : Effect;

    internal sealed record Redraw : Effect;

    internal sealed record Bell : Effect;

    internal sealed record Notify(string Title, string Body) : Effect;

    internal sealed record Copy(string Text) : Effect;

    internal sealed record SetTitle(string Text) : Effect;

    internal sealed record Remember(Memory Memory) : Effect;

    internal sealed record Probe(string Server) : Effect;

    internal sealed record SignIn(string Server, string User, string Password, bool Register, string? DisplayName, string? Invitation) : Effect;

    /// <summary>Goes on with a session that was kept.</summary>
    internal sealed record Resume(string Server, string User) : Effect;

    /// <summary>Back to the start screen; ends the session where asked.</summary>
    internal sealed record SignOut(bool EndSession) : Effect;

    internal sealed record Reconnect : Effect;

    internal sealed record Send(string Room, string Body, string? Kind, long? ReplyTo) : Effect;

    internal sealed record Withdraw(string ClientId) : Effect;

    internal sealed record Edit(string Room, long Seq, string Body) : Effect;

    internal sealed record Delete(string Room, long Seq) : Effect;

    internal sealed record React(string Room, long Seq, string Emoji, bool On) : Effect;

    internal sealed record MarkRead(string Room, long Seq) : Effect;

    internal sealed record Typing(string Room) : Effect;

    internal sealed record SetAway(bool Away) : Effect;

    /// <param name="ToSeq">Loads until this message is there; null: one page.</param>
    internal sealed record LoadOlder(string Room, long? ToSeq) : Effect;

    /// <summary>Lets the client forget what was loaded for scrolling back.</summary>
    internal sealed record ReleaseOlder(string Room) : Effect;

    internal sealed record ListMembers(string Room) : Effect;

    internal sealed record ListBans(string Room) : Effect;

    internal sealed record ListRooms(string Query, string? After) : Effect;

    internal sealed record Search(string Query, string? Room, string? After) : Effect;

    internal sealed record LoadContext(string Room, long Seq) : Effect;

    internal sealed record CreateRoom(string Name, string Topic, bool IsPrivate, string Password) : Effect;

    internal sealed record Join(string Room, string Title, string? Password) : Effect;

    /// <param name="Text">Sent as soon as the room is open; empty: nothing.</param>
    internal sealed record OpenDirect(string User, string Text = "") : Effect;

    internal sealed record Leave(string Room) : Effect;

    internal sealed record DeleteRoom(string Room) : Effect;

    /// <summary>What is null stays.</summary>
    internal sealed record UpdateRoom(string Room, string? Name, string? Topic, string? Visibility, string? Password, int? SlowModeSeconds, bool? Archived) : Effect;

    internal sealed record Moderate(string Room, Moderation What, string User, string? Reason = null, int Minutes = 0) : Effect;

    internal sealed record Upload(string Room, string Path, string Caption) : Effect;

    internal sealed record UploadText(string Room, string Name, string Text) : Effect;

    internal sealed record Download(string FileId, string Name) : Effect;

    internal sealed record ListPaths(string Prefix) : Effect;

    internal sealed record ChangePassword(string Current, string Next) : Effect;

    internal sealed record Rename(string DisplayName) : Effect;
}

/// <summary>What a moderator, or an owner, does with a member.</summary>
internal enum Moderation
{
    Invite,
    Kick,
    Ban,
    Unban,
    Mute,
    Unmute,
    MakeOwner,
    MakeModerator,
    MakeMember,
}

/// <summary>The state after an event, and what is to be done.</summary>
internal readonly record struct Step(Model Model, ImmutableList<Effect> Effects)
{
    public static implicit operator Step(Model model) => new(model, []);

    public Step And(Effect effect) => this with { Effects = Effects.Add(effect) };

    public Step And(IEnumerable<Effect> effects) => this with { Effects = Effects.AddRange(effects) };

    /// <summary>Another step after this one.</summary>
    public Step Then(Func<Model, Step> next)
    {
        var after = next(Model);
        return after with { Effects = Effects.AddRange(after.Effects) };
    }
}
