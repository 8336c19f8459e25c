using System.Collections.Immutable;

namespace DChat.Terminal.Ui;

/// <summary>A session that was kept.</summary>
internal sealed record KnownSession(string Server, string User);

/// <summary>The start screen: where, who, and whether the account is to be made.</summary>
/// <param name="Focus">The fields, then the button, then the other way of signing in, then the kept sessions.</param>
internal sealed record StartForm(bool Register, ImmutableArray<Field> All, int Focus, ImmutableArray<KnownSession> Sessions)
{
    public const string Server = "server";
    public const string User = "user";
    public const string Password = "password";
    public const string Again = "again";
    public const string DisplayName = "display";
    public const string Invitation = "invitation";

    public bool Busy { get; init; }

    public string? Problem { get; init; }

    /// <summary>What the server said of itself.</summary>
    public string? Says { get; init; }

    public bool NeedsInvitation { get; init; }

    /// <summary>The fields that are asked for now.</summary>
    public Fields Fields => new(Shown, Math.Min(Focus, Shown.Length - 1));

    public ImmutableArray<Field> Shown =>
        [.. All.Where(f => f.Id is Server or User or Password || (Register && (f.Id is Again or DisplayName || (f.Id == Invitation && NeedsInvitation))))];

    public int SubmitAt => Shown.Length;

    public int SwitchAt => Shown.Length + 1;

    public int SessionsAt => Shown.Length + 2;

    public int Stops => SessionsAt + Sessions.Length;

    public KnownSession? ChosenSession => Focus >= SessionsAt && Focus < Stops ? Sessions[Focus - SessionsAt] : null;

    public static StartForm Of(string server, string? user, ImmutableArray<KnownSession> sessions, string? problem = null) => new(
        false,
        [
            new Field(Server, "Server", Editor.Of(server)),
            new Field(User, "Name", Editor.Of(user ?? "")),
            new Field(Password, "Password", Editor.Empty, Secret: true),
            new Field(Again, "Once more", Editor.Empty, Secret: true),
            new Field(DisplayName, "Full name", Editor.Empty, Hint: "may stay empty"),
            new Field(Invitation, "Invitation", Editor.Empty, Hint: "the code that you were given"),
        ],
        user is null ? sessions.Length > 0 ? 5 : 1 : 2,
        sessions)
    {
        Problem = problem,
    };

    public string Text(string id) => All.First(f => f.Id == id).Text;

    public StartForm With(Fields fields) => this with
    {
        All = [.. All.Select(f => fields.All.FirstOrDefault(shown => shown.Id == f.Id) ?? f)],
        Problem = null,
    };
}
