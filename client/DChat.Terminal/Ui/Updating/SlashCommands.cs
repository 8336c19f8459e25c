using System.Globalization;
using DChat.Protocol;

namespace DChat.Terminal.Ui;

/// <summary>What can be typed after a slash.</summary>
/// <param name="TakesUser">Its first word is somebody's name.</param>
internal sealed record SlashCommand(string Name, string Arguments, string Says, Func<Model, string, Step> Run, bool TakesUser = false, bool NeedsRoom = false)
{
    public static readonly IReadOnlyList<SlashCommand> All =
    [
        new("me", "TEXT", "say what you do", (m, text) => text.Length == 0 ? m : ChatKeys.Post(ChatKeys.Sent(m, "/me " + text), m.Chat.Open!, Emoji.Expand(text), MessageKinds.Action, null), NeedsRoom: true),
        new("join", "ROOM [PASSWORD]", "join a public room, or accept an invitation", Join),
        new("rooms", "[WORDS]", "browse public rooms", (m, text) => Menus.Browse(m, text)),
        new("go", "ROOM", "go to one of your rooms", Go),
        new("msg", "USER [TEXT]", "write to somebody alone", Tell),
        new("create", "[NAME]", "make a room", (m, text) => m.Push(Forms.CreateRoom(text))),
        new("leave", "", "leave this room", (m, _) => Choices.Apply(m, new Choice.Sure(Menus.LeaveQuestion(m.Chat.Room!))), NeedsRoom: true),
        new("invite", "USER", "invite somebody into this room", (m, text) => text.Length == 0 ? m.Push(Forms.Invite(m.Chat.Open!)) : Moderate(m, Moderation.Invite, text), TakesUser: true, NeedsRoom: true),
        new("topic", "[TEXT]", "say what this room is about", (m, text) => text.Length == 0 ? m.Push(Forms.Topic(m.Chat.Room!)) : m.Step().And(new Effect.UpdateRoom(m.Chat.Open!, null, text, null, null, null, null)), NeedsRoom: true),
        new("settings", "", "settings of this room", (m, _) => Menus.Room(m), NeedsRoom: true),
        new("members", "", "who is in this room", (m, _) => Menus.Members(m), NeedsRoom: true),
        new("who", "USER", "about somebody", (m, text) => text.Length == 0 ? Menus.Members(m) : Menus.Member(m, First(text)), TakesUser: true, NeedsRoom: true),
        new("kick", "USER [REASON]", "remove somebody, who may come back", (m, text) => Moderate(m, Moderation.Kick, text), TakesUser: true, NeedsRoom: true),
        new("ban", "USER [REASON]", "remove somebody for good", (m, text) => Moderate(m, Moderation.Ban, text), TakesUser: true, NeedsRoom: true),
        new("unban", "USER", "end a ban", (m, text) => text.Length == 0 ? Menus.Bans(m) : Moderate(m, Moderation.Unban, text), TakesUser: true, NeedsRoom: true),
        new("bans", "", "who is banned", (m, _) => Menus.Bans(m), NeedsRoom: true),
        new("mute", "USER [MINUTES]", "keep somebody from writing", Mute, TakesUser: true, NeedsRoom: true),
        new("unmute", "USER", "let somebody write again", (m, text) => Moderate(m, Moderation.Unmute, text), TakesUser: true, NeedsRoom: true),
        new("role", "USER owner|moderator|member", "give somebody a role", Role, TakesUser: true, NeedsRoom: true),
        new("search", "WORDS", "search in this room", (m, text) => Menus.Search(m, everywhere: m.Chat.Room is null, text)),
        new("searchall", "WORDS", "search in all your rooms", (m, text) => Menus.Search(m, everywhere: true, text)),
        new("upload", "PATH", "send a file", (m, text) => m.Push(Forms.Upload(text)), NeedsRoom: true),
        new("notify", "all|mentions|none|bell|desktop|both|off|default", "what in this room is worth a notice, and how it comes", Notify, NeedsRoom: true),
        new("dnd", "", "do not disturb, on and off", (m, _) => ChatKeys.Global(m, Act.ToggleDoNotDisturb)!.Value),
        new("away", "", "show yourself as away", (m, _) => (m with { Chat = m.Chat with { Away = true } }).Step().And(new Effect.SetAway(true))),
        new("retry", "", "send again what was refused", (m, _) => m.Chat.Memory.Failed.Aggregate(m.Step(), (step, failed) => step.Then(next => MessageKeys.Retry(next, failed)))),
        new("times", "", "times as clock or as age", (m, _) => ChatKeys.Global(m, Act.ToggleTimes)!.Value),
        new("vi", "", "edit as vi does, on and off", (m, _) => (m with { Settings = m.Settings with { Vi = !m.Settings.Vi } }).Say(m.Settings.Vi ? "Editing as emacs does." : "Editing as vi does.")),
        new("theme", "dark|light", "colours for a dark or a light terminal", SetTheme),
        new("name", "[NAME]", "a name beside your user name", (m, text) => text.Length == 0 ? m.Push(Forms.DisplayName()) : m.Step().And(new Effect.Rename(text))),
        new("password", "", "change your password", (m, _) => m.Push(Forms.ChangePassword())),
        new("reconnect", "", "try to connect now", (m, _) => m.Step().And(new Effect.Reconnect())),
        new("account", "", "another server or account; this session is kept", (m, _) => m.Step().And(new Effect.SignOut(EndSession: false))),
        new("logout", "", "sign out", (m, _) => m.Push(new Dialog.Confirm("Sign out", m.Chat.Unsent > 0 ? $"{m.Chat.Unsent} messages are not sent yet; they wait for the next time. Sign out?" : "Sign out of this account here?", "Sign out", new Choice.Do(new Effect.SignOut(EndSession: true))))),
        new("help", "", "all keys and commands", (m, _) => m.Push(new Dialog.Help(0))),
        new("quit", "", "quit", (m, _) => m.Step().And(new Effect.Quit())),
    ];

    /// <summary>The command that a text begins with, once its name is complete.</summary>
    public static SlashCommand? Typed(string text)
    {
        if (!text.StartsWith('/'))
        {
            return null;
        }

        var end = text.AsSpan().IndexOfAny(' ', '\n');
        var name = end < 0 ? text[1..] : text[1..end];
        return All.FirstOrDefault(c => string.Equals(c.Name, name, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>The first word, as a name.</summary>
    public static string First(string text) => text.Split(' ', 2)[0].TrimStart('@');

    public static string Rest(string text) => text.Split(' ', 2) is [_, var rest] ? rest.Trim() : "";

    private static Step Join(Model model, string text)
    {
        if (text.Length == 0)
        {
            return Menus.Browse(model);
        }

        // A name may have spaces; a password after it may not be told from them, so the whole is tried as a name where it is known.
        var known = model.Chat.Rooms.Values.FirstOrDefault(r => string.Equals(r.Title, text.TrimStart('#'), StringComparison.OrdinalIgnoreCase));
        if (known is not null)
        {
            return RoomMoves.Open(model, known.Id);
        }

        var invited = model.Chat.Invitations.FirstOrDefault(i => string.Equals(i.Title, text.TrimStart('#'), StringComparison.OrdinalIgnoreCase));
        if (invited is not null)
        {
            return model.Step().And(new Effect.Join(invited.Id, invited.Title, null));
        }

        var parts = text.Split(' ', 2);
        return model.Step().And(new Effect.Join(parts[0].TrimStart('#'), parts[0], parts.Length > 1 ? parts[1] : null));
    }

    /// <summary>The command can be recalled: there may be nobody of that name.</summary>
    private static Step Tell(Model model, string text) => text.Length == 0
        ? model.Push(Forms.Direct())
        : ChatKeys.Sent(model, "/msg " + text).Step().And(new Effect.OpenDirect(First(text), Rest(text)));

    private static Step Go(Model model, string text)
    {
        var name = text.TrimStart('#', '@');
        var best = model.Chat.Rooms.Values.Select(r => (Room: r, Score: Fuzzy.Score(name, r.Title))).Where(f => f.Score is not null).OrderByDescending(f => f.Score).FirstOrDefault();
        return text.Length == 0 ? Menus.Finder(model) : best.Room is { } room ? RoomMoves.Open(model, room.Id) : model.Say($"You are in no room called {text}.", bad: true);
    }

    private static Step Moderate(Model model, Moderation what, string text) => text.Length == 0
        ? model.Say("Say who: the command wants a name.", bad: true)
        : model.Step().And(new Effect.Moderate(model.Chat.Open!, what, First(text), Rest(text) is { Length: > 0 } reason ? reason : null));

    private static Step Mute(Model model, string text)
    {
        const int Usual = 60;
        var rest = Rest(text);
        return text.Length == 0 ? model.Say("Say who: /mute USER [MINUTES]", bad: true)
            : rest.Length == 0 ? model.Step().And(new Effect.Moderate(model.Chat.Open!, Moderation.Mute, First(text), null, Usual))
            : int.TryParse(rest, NumberStyles.None, CultureInfo.InvariantCulture, out var minutes) && minutes is >= 1 and <= ProtocolLimits.MuteMinutesMax
                ? model.Step().And(new Effect.Moderate(model.Chat.Open!, Moderation.Mute, First(text), null, minutes))
                : model.Say("Minutes are a number of at least 1: /mute USER 30", bad: true);
    }

    private static Step Role(Model model, string text)
    {
        Moderation? role = Rest(text).ToLowerInvariant() switch
        {
            Roles.Owner => Moderation.MakeOwner,
            Roles.Moderator => Moderation.MakeModerator,
            Roles.Member => Moderation.MakeMember,
            _ => null,
        };
        return role is { } what ? Moderate(model, what, First(text)) : model.Say("A role is owner, moderator or member: /role USER moderator", bad: true);
    }

    private static Step Notify(Model model, string text) => text.ToLowerInvariant() switch
    {
        "" => Menus.Notices(model),
        "all" => Choices.Apply(model, new Choice.SetNotices(model.Chat.Open!, NoticeLevel.All)),
        "mentions" => Choices.Apply(model, new Choice.SetNotices(model.Chat.Open!, NoticeLevel.Mentions)),
        "none" => Choices.Apply(model, new Choice.SetNotices(model.Chat.Open!, NoticeLevel.None)),
        "bell" => Choices.Apply(model, new Choice.SetWay(model.Chat.Open!, NoticeWay.Bell)),
        "desktop" => Choices.Apply(model, new Choice.SetWay(model.Chat.Open!, NoticeWay.Desktop)),
        "both" => Choices.Apply(model, new Choice.SetWay(model.Chat.Open!, NoticeWay.Both)),
        "off" => Choices.Apply(model, new Choice.SetWay(model.Chat.Open!, NoticeWay.Off)),
        "default" => Choices.Apply(model, new Choice.SetWay(model.Chat.Open!, null)),
        _ => model.Say("Notices are of all, mentions or none; and come by bell, desktop, both or off, or as the default is.", bad: true),
    };

    private static Step SetTheme(Model model, string text) => text.ToLowerInvariant() switch
    {
        "dark" => model with { Theme = Theme.Dark },
        "light" => model with { Theme = Theme.Light },
        "plain" => model with { Theme = Theme.Plain },
        _ => model.Say("A theme is dark, light or plain.", bad: true),
    };
}

/// <summary>Runs what was typed after a slash.</summary>
internal static class SlashCommands
{
    public static Step Run(Model model, string text)
    {
        if (SlashCommand.Typed(text) is not { } command)
        {
            return model.Say($"There is no command {text.Split(' ', 2)[0]}. F2 lists them; // begins a message with a slash.", bad: true);
        }

        if (command.NeedsRoom && model.Chat.Room is null)
        {
            return model.Say("No room is open for that.", bad: true);
        }

        var arguments = text.Split([' ', '\n'], 2) is [_, var rest] ? rest.Trim() : "";
        var step = command.Run(model, arguments);
        // What it could not do stays in the input, to be put right.
        return step.Model.Toast is { IsBad: true } toast && toast != model.Toast ? step : Emptied(step, model.Chat.PaneId, text);
    }

    private static Step Emptied(Step step, string room, string text)
    {
        var chat = step.Model.Chat;
        return chat.PaneOf(room).Input.Text.TrimEnd() != text
            ? step
            : step with
            {
                Model = step.Model with
                {
                    Chat = chat.With(room, chat.PaneOf(room) with { Input = Editor.Empty, Completion = null }) with { Memory = chat.Memory with { Drafts = chat.Memory.Drafts.Remove(room) } },
                },
            };
    }
}
