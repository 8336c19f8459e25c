using System.Collections.Immutable;
using System.Globalization;
using DChat.Protocol;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>The lists to choose from.</summary>
internal static class Menus
{
    /// <summary>The finder: rooms and people first, then what can be done.</summary>
    public static Step Finder(Model model)
    {
        var chat = model.Chat;
        var rooms = chat.Order.Select(id => chat.Rooms[id])
            .OrderBy(r => r.Id == chat.Open)
            .ThenByDescending(r => r.Id == chat.Before)
            .ThenByDescending(r => r.Mentions > 0 || (r.IsDirect && r.Unread > 0))
            .ThenByDescending(r => r.Unread > 0)
            .ThenByDescending(r => r.LastActivity)
            .Select(r => new MenuItem(r.Address, DetailOf(r), new Choice.Go(r.Id), Strong: r.Unread > 0));
        var invitations = chat.Invitations.Select(i => new MenuItem("#" + i.Title, "you are invited", new Choice.Join(i.Id, i.Title, false), Strong: true));
        var direct = chat.Rooms.Values.Where(r => r.IsDirect).Select(r => r.Title).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var people = chat.Rooms.Values.SelectMany(r => r.Presence.Keys).Select(SafeText.Clean).Distinct(StringComparer.OrdinalIgnoreCase)
            .Where(name => !direct.Contains(name) && !string.Equals(name, chat.Me, StringComparison.OrdinalIgnoreCase))
            .Order(StringComparer.OrdinalIgnoreCase)
            .Select(name => new MenuItem("@" + name, "write to them", new Choice.Direct(name)));
        IEnumerable<(Act Act, string Says)> acts = [(Act.BrowseRooms, "Browse public rooms"), (Act.CreateRoom, "Make a room"), (Act.Search, "Search"), (Act.Members, "Members of this room"), (Act.RoomMenu, "Settings of this room"), (Act.Help, "Help")];
        var todo = acts.Select(a => new MenuItem(a.Says, model.Keymap.KeyOf(a.Act), new Choice.Run(a.Act)));
        return model.Push(new Dialog.Menu(MenuKind.Finder, "Go to") { Items = [.. invitations, .. rooms, .. people, .. todo] });
    }

    public static Step Browse(Model model, string query = "") =>
        model.Push(new Dialog.Menu(MenuKind.Browse, "Public rooms") { Typed = Editor.Of(query), Busy = true }).Step().And(new Effect.ListRooms(query, null));

    public static Step Search(Model model, bool everywhere, string query = "")
    {
        var room = everywhere ? null : model.Chat.Room;
        var menu = new Dialog.Menu(room is null ? MenuKind.SearchEverywhere : MenuKind.Search, room is null ? "Search in all rooms" : $"Search in {room.Address}")
        {
            Typed = Editor.Of(query),
            Subject = room?.Id ?? "",
            Busy = query.Length > 0,
        };
        var step = model.Push(menu).Step();
        return query.Length > 0 ? step.And(new Effect.Search(menu.Query, room?.Id, null)) : step;
    }

    public static Step Commands(Model model) => model.Push(new Dialog.Menu(MenuKind.Commands, "Commands")
    {
        Items = [.. SlashCommand.All.Select(c => new MenuItem($"/{c.Name} {c.Arguments}".TrimEnd(), c.Says, new Choice.Type($"/{c.Name} ")))],
    });

    public static Step Members(Model model)
    {
        if (model.Chat.Room is not { } room)
        {
            return model;
        }

        var members = model.Chat.Pane.Members;
        var menu = new Dialog.Menu(MenuKind.Members, $"Members of {room.Address}") { Subject = room.Id, Items = members is { } known ? MemberItems(known) : [], Busy = members is null };
        return model.Push(menu).Step().And(new Effect.ListMembers(room.Id));
    }

    public static ImmutableArray<MenuItem> MemberItems(ImmutableArray<MemberView> members) =>
    [
        .. members.OrderByDescending(m => m.Online).ThenBy(m => m.User, StringComparer.OrdinalIgnoreCase)
            .Select(m => new MenuItem(m.User, $"{(m.Alias is { } alias ? alias + "  " : "")}{(m.Role == Roles.Member ? "" : m.Role + "  ")}{(m.Online ? "online" : "")}".TrimEnd(), new Choice.Member(m.User), Strong: m.Online)),
    ];

    public static Step Member(Model model, string user)
    {
        if (model.Chat.Room is not { } room)
        {
            return model;
        }

        var member = model.Chat.Pane.Members?.FirstOrDefault(m => string.Equals(m.User, user, StringComparison.OrdinalIgnoreCase));
        var mine = string.Equals(user, model.Chat.Me, StringComparison.OrdinalIgnoreCase);
        List<MenuItem> items = [];
        if (!mine)
        {
            items.Add(new MenuItem("Write to them", "", new Choice.Direct(user), "w"));
            items.Add(new MenuItem("Mention", "", new Choice.Insert($"@{user} "), "m"));
        }

        if (room.CanModerate && !room.IsDirect && !mine)
        {
            items.Add(new MenuItem("Mute for an hour", "", new Choice.Moderate(Moderation.Mute, user, 60), "1"));
            items.Add(new MenuItem("Mute for a day", "", new Choice.Moderate(Moderation.Mute, user, 24 * 60), "2"));
            items.Add(new MenuItem("Let them write again", "", new Choice.Moderate(Moderation.Unmute, user), "u"));
            items.Add(new MenuItem("Remove …", "may come back", new Choice.Ask(FormKind.Reason, "Remove " + user), "k"));
            items.Add(new MenuItem("Ban …", "for good", new Choice.Ask(FormKind.Reason, "Ban " + user), "b"));
        }

        if (room.Role == Roles.Owner && !room.IsDirect)
        {
            items.Add(new MenuItem("Make owner", "", new Choice.Moderate(Moderation.MakeOwner, user), "o"));
            items.Add(new MenuItem("Make moderator", "", new Choice.Moderate(Moderation.MakeModerator, user), "d"));
            items.Add(new MenuItem("Make plain member", "", new Choice.Moderate(Moderation.MakeMember, user), "p"));
        }

        var title = member is null ? user : $"{user}{(member.Alias is { } alias ? $" ({alias})" : "")} · {member.Role}{(member.Online ? " · online" : "")}";
        return items.Count == 0 ? model.Say("That is you.") : model.Push(new Dialog.Menu(MenuKind.Member, title) { Items = [.. items], Subject = user });
    }

    public static Step Message(Model model, long seq)
    {
        var offers = MessageKeys.Offers(model, seq);
        return offers.Length == 0 ? model : model.Push(new Dialog.Menu(MenuKind.Message, "Message")
        {
            Items = [.. MessageKeys.All.Where(a => offers.Contains(a.Act)).Select(a => new MenuItem(Capital(a.Says), "", new Choice.Message(a.Act, seq), a.Key))],
        });
    }

    public static Step React(Model model, Message message)
    {
        var used = (message.Reactions?.Keys ?? []).Select(emoji => (Name: Emoji.All.FirstOrDefault(e => e.Text == emoji).Name ?? "", Text: emoji));
        var quick = Emoji.Quick.Select(name => (Name: name, Text: Emoji.Find(name)!));
        var all = used.Concat(quick).Concat(Emoji.All).DistinctBy(e => e.Text);
        return model.Push(new Dialog.Menu(MenuKind.Emoji, "React")
        {
            Items = [.. all.Select(e => new MenuItem($"{SafeText.Clean(e.Text)} {e.Name}", message.Mine?.Contains(e.Text) == true ? "takes it back" : "", new Choice.React(message.Seq, e.Text)))],
        });
    }

    public static Step Room(Model model)
    {
        if (model.Chat.Room is not { } room)
        {
            return model;
        }

        List<MenuItem> items = [new MenuItem("Notices …", NoticesOf(model, room), new Choice.Notices(), "n")];
        if (!room.IsDirect)
        {
            items.Add(new MenuItem("Members …", Count(room.Members, "member"), new Choice.Run(Act.Members), "m"));
            items.Add(new MenuItem("Invite …", "", new Choice.Ask(FormKind.Invite), "i"));
        }

        if (room.CanModerate && !room.IsDirect)
        {
            items.Add(new MenuItem("Topic …", "", new Choice.Ask(FormKind.Topic), "t"));
            items.Add(new MenuItem("Settings …", "", new Choice.Ask(FormKind.Settings), "s"));
            items.Add(new MenuItem("Bans …", "", new Choice.Bans(), "b"));
        }

        items.Add(new MenuItem("Send a file …", model.Keymap.KeyOf(Act.Upload), new Choice.Run(Act.Upload), "f"));
        items.Add(new MenuItem("Leave", "", new Choice.Sure(LeaveQuestion(room)), "l"));
        if (room.Role == Roles.Owner && !room.IsDirect)
        {
            items.Add(new MenuItem("Delete for ever", "", new Choice.Sure(new Dialog.Confirm("Delete the room", $"Delete {room.Address} and everything in it, for everybody and for ever?", "Delete", new Choice.Do(new Effect.DeleteRoom(room.Id))) { IsCareful = true }), "x"));
        }

        return model.Push(new Dialog.Menu(MenuKind.Room, room.Address) { Items = [.. items], Subject = room.Id });
    }

    public static Dialog.Confirm LeaveQuestion(RoomView room) => new(
        "Leave",
        room.IsDirect ? $"Take the talk with {room.Title} off your list?" : room.IsPrivate ? $"Leave {room.Address}? It is private: you come back only by invitation." : $"Leave {room.Address}?",
        "Leave",
        new Choice.Do(new Effect.Leave(room.Id)));

    public static Step Notices(Model model)
    {
        if (model.Chat.Room is not { } room)
        {
            return model;
        }

        var now = model.Chat.Memory.Notices.GetValueOrDefault(room.Id);
        NoticeWay? way = model.Chat.Memory.Ways.TryGetValue(room.Id, out var known) ? known : null;
        return model.Push(new Dialog.Menu(MenuKind.Notices, $"Notices of {room.Address}")
        {
            Items =
            [
                .. Enum.GetValues<NoticeLevel>().Select(level => new MenuItem(Capital(NoticeText(level)), level == now ? "as it is" : "", new Choice.SetNotices(room.Id, level), level.ToString()[..1].ToLowerInvariant())),
                .. Ways.Select(w => new MenuItem(
                    w.Way is { } set ? Capital(WayText(set)) : $"As everywhere: {WayText(model.Settings.Notify)}",
                    w.Way == way ? "as it is" : "",
                    new Choice.SetWay(room.Id, w.Way),
                    w.Key)),
            ],
            Selected = (int)now,
        });
    }

    public static Step Bans(Model model) => model.Chat.Room is { } room
        ? model.Push(new Dialog.Menu(MenuKind.Bans, $"Banned from {room.Address}") { Subject = room.Id, Busy = true }).Step().And(new Effect.ListBans(room.Id))
        : model;

    public static Step Invitation(Model model, Invitation invitation) => model.Push(new Dialog.Menu(MenuKind.Invitation, $"You are invited to {invitation.Title}")
    {
        Items =
        [
            new MenuItem("Join", "", new Choice.Join(invitation.Id, invitation.Title, false), "j"),
            new MenuItem("Decline", "", new Choice.Do(new Effect.Leave(invitation.Id)), "d"),
        ],
    });

    public static MenuItem ItemOf(RoomSummary room, DateTimeOffset now)
    {
        var title = SafeText.Clean(room.Name);
        var parts = new[]
        {
            room.Joined ? "joined" : "",
            room.HasPassword ? "password" : "",
            room.Visibility == Visibilities.Private ? "private" : "",
            string.Create(CultureInfo.InvariantCulture, $"{room.Online}/{room.Members} online"),
            TimeText.Age(room.LastActivityAt, now),
            SafeText.Clean(room.Topic),
        };
        return new MenuItem(
            "#" + title,
            string.Join(" · ", parts.Where(p => p.Length > 0)),
            room.Joined ? new Choice.Go(room.Id) : new Choice.Join(room.Id, title, room.HasPassword),
            Strong: !room.Joined);
    }

    public static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    private static string DetailOf(RoomView room) => room.Unread > 0
        ? string.Create(CultureInfo.InvariantCulture, $"{room.Unread} new{(room.Mentions > 0 ? $", {room.Mentions} for you" : "")}")
        : room.Topic;

    /// <summary>How notices of one room can come, with the letter for it.</summary>
    private static readonly ImmutableArray<(string Key, NoticeWay? Way)> Ways = [("e", null), ("b", NoticeWay.Bell), ("d", NoticeWay.Desktop), ("o", NoticeWay.Both), ("f", NoticeWay.Off)];

    public static string WayText(NoticeWay way) => way switch
    {
        NoticeWay.Bell => "by the bell",
        NoticeWay.Desktop => "on the desktop",
        NoticeWay.Both => "by the bell and on the desktop",
        _ => "by neither bell nor desktop",
    };

    private static string NoticesOf(Model model, RoomView room)
    {
        var memory = model.Chat.Memory;
        var level = NoticeText(memory.Notices.GetValueOrDefault(room.Id));
        return memory.Ways.TryGetValue(room.Id, out var way) ? $"{level}, {WayText(way)}" : level;
    }

    private static string NoticeText(NoticeLevel level) => level switch
    {
        NoticeLevel.All => "of every message",
        NoticeLevel.None => "of nothing",
        _ => "when you are named",
    };

    private static string Count(int count, string what) => string.Create(CultureInfo.InvariantCulture, $"{count} {what}{(count == 1 ? "" : "s")}");
}
