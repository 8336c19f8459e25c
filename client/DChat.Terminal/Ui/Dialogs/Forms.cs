using System.Collections.Immutable;
using System.Globalization;
using DChat.Protocol;

namespace DChat.Terminal.Ui;

/// <summary>The forms, and what becomes of them.</summary>
internal static class Forms
{
    private static readonly ImmutableArray<string> YesNo = ["no", "yes"];
    private static readonly ImmutableArray<string> PublicPrivate = [Visibilities.Public, Visibilities.Private];

    public static Dialog.Form CreateRoom(string name) => new(FormKind.CreateRoom, "Make a room", "Create", new Fields([
        new Field("name", "Name", Editor.Of(name.TrimStart('#'))),
        new Field("topic", "Topic", Editor.Empty, Hint: "may stay empty"),
        new Field("visibility", "Who may find it", Editor.Of(Visibilities.Public), Options: PublicPrivate),
        new Field("password", "Password", Editor.Empty, Secret: true, Hint: "none"),
    ]));

    public static Dialog.Form Password(string room, string title, bool wasWrong) => new(FormKind.Password, $"Join {title}", "Join", new Fields([
        new Field("password", "Password", Editor.Empty, Secret: true),
    ]), room, "This room asks for a password.")
    { Problem = wasWrong ? "That is not its password." : null };

    public static Dialog.Form Invite(string room) => new(FormKind.Invite, "Invite", "Invite", new Fields([new Field("user", "Name", Editor.Empty)]), room);

    public static Dialog.Form Direct() => new(FormKind.Direct, "Write to somebody", "Open", new Fields([new Field("user", "Name", Editor.Empty)]));

    public static Dialog.Form Topic(RoomView room) => new(FormKind.Topic, "Topic", "Set", new Fields([new Field("topic", "Topic", Editor.Of(room.Topic))]), room.Id);

    public static Dialog.Form Settings(RoomView room) => new(FormKind.Settings, $"Settings of {room.Address}", "Save", new Fields([
        new Field("name", "Name", Editor.Of(room.Title)),
        new Field("topic", "Topic", Editor.Of(room.Topic)),
        new Field("visibility", "Who may find it", Editor.Of(room.IsPrivate ? Visibilities.Private : Visibilities.Public), Options: PublicPrivate),
        new Field("haspassword", "Asks for a password", Editor.Of(room.HasPassword ? "yes" : "no"), Options: YesNo),
        new Field("password", "New password", Editor.Empty, Secret: true, Hint: room.HasPassword ? "stays as it is" : "none"),
        new Field("slow", "Slow mode, seconds", Editor.Of(room.SlowModeSeconds.ToString(CultureInfo.InvariantCulture)), Hint: "0: off"),
        new Field("archived", "Archived", Editor.Of(room.Archived ? "yes" : "no"), Options: YesNo),
    ]), room.Id);

    public static Dialog.Form Upload(string path) => new(FormKind.Upload, "Send a file", "Send", new Fields([
        new Field("path", "File", Editor.Of(path), Hint: "Tab completes"),
        new Field("caption", "Words beside it", Editor.Empty, Hint: "may stay empty"),
    ]));

    public static Dialog.Form Reason(string what, string user) => new(FormKind.Reason, $"{what} {user}", what, new Fields([new Field("reason", "Reason", Editor.Empty, Hint: "may stay empty")]), user);

    public static Dialog.Form ChangePassword() => new(FormKind.ChangePassword, "Change your password", "Change", new Fields([
        new Field("current", "Present one", Editor.Empty, Secret: true),
        new Field("next", "New one", Editor.Empty, Secret: true),
        new Field("again", "Once more", Editor.Empty, Secret: true),
    ]), Text: "Every other session of this account ends.");

    public static Dialog.Form DisplayName() => new(FormKind.DisplayName, "Your name beside your user name", "Save", new Fields([new Field("name", "Name", Editor.Empty)]));

    public static Step Submit(Model model, Dialog.Form form)
    {
        var fields = form.Fields;
        var room = model.Chat.Open ?? "";
        return form.Kind switch
        {
            FormKind.CreateRoom when fields["name"].Length == 0 => Wrong(model, form, "A room needs a name."),
            FormKind.CreateRoom => Wait(model, form, new Effect.CreateRoom(fields["name"], fields["topic"], fields["visibility"] == Visibilities.Private, fields.Exact("password"))),
            FormKind.Password => Wait(model, form, new Effect.Join(form.Subject, form.Title["Join ".Length..], fields.Exact("password"))),
            FormKind.Invite => Wait(model, form, new Effect.Moderate(form.Subject, Moderation.Invite, fields["user"].TrimStart('@'))),
            FormKind.Direct => Wait(model, form, new Effect.OpenDirect(fields["user"].TrimStart('@'))),
            FormKind.Topic => Wait(model, form, new Effect.UpdateRoom(form.Subject, null, fields["topic"], null, null, null, null)),
            FormKind.Settings => SubmitSettings(model, form),
            FormKind.Upload when fields["path"].Length == 0 => Wrong(model, form, "Say which file."),
            FormKind.Upload => model.Pop().Step().And(new Effect.Upload(room, fields["path"], fields["caption"])),
            FormKind.Reason => Wait(model, form, new Effect.Moderate(room, form.Submit == "Ban" ? Moderation.Ban : Moderation.Kick, form.Subject, fields["reason"] is { Length: > 0 } reason ? reason : null)),
            FormKind.ChangePassword when fields.Exact("next") != fields.Exact("again") => Wrong(model, form, "The two new passwords differ."),
            FormKind.ChangePassword => Wait(model, form, new Effect.ChangePassword(fields.Exact("current"), fields.Exact("next"))),
            FormKind.DisplayName => Wait(model, form, new Effect.Rename(fields["name"])),
            _ => model,
        };
    }

    private static Step SubmitSettings(Model model, Dialog.Form form)
    {
        if (model.Chat.Rooms.GetValueOrDefault(form.Subject) is not { } room)
        {
            return model.Pop();
        }

        var fields = form.Fields;
        if (!int.TryParse(fields["slow"], NumberStyles.None, CultureInfo.InvariantCulture, out var slow) || slow > ProtocolLimits.SlowModeSecondsMax)
        {
            return Wrong(model, form, $"Slow mode is a number of seconds from 0 to {ProtocolLimits.SlowModeSecondsMax}.");
        }

        var password = fields["haspassword"] == "no" ? room.HasPassword ? "" : null : fields.Exact("password") is { Length: > 0 } typed ? typed : null;
        if (fields["haspassword"] == "yes" && !room.HasPassword && password is null)
        {
            return Wrong(model, form, "Type the new password.");
        }

        var archived = fields["archived"] == "yes";
        return Wait(model, form, new Effect.UpdateRoom(
            room.Id,
            fields["name"] == room.Title ? null : fields["name"],
            fields["topic"] == room.Topic ? null : fields["topic"],
            (fields["visibility"] == Visibilities.Private) == room.IsPrivate ? null : fields["visibility"],
            password,
            slow == room.SlowModeSeconds ? null : slow,
            archived == room.Archived ? null : archived));
    }

    private static Step Wait(Model model, Dialog.Form form, Effect effect) =>
        model.With(form with { Busy = true, Problem = null }).Step().And(effect);

    private static Step Wrong(Model model, Dialog.Form form, string problem) => model.With(form with { Problem = problem });
}
