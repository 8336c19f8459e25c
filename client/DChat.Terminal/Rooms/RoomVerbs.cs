using System.CommandLine;
using DChat.Client;
using DChat.Protocol;
using DChat.Terminal.Invocation;
using DChat.Terminal.Output;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Rooms;

/// <summary><c>rooms</c>, <c>create</c>, <c>join</c>, <c>leave</c>, <c>members</c>.</summary>
internal static class RoomVerbs
{
    public static readonly Argument<string> Room = new("room") { Description = "A room's name or id, or @user for the direct room with somebody." };

    private static readonly Argument<string?> Query = new("query") { Description = "Part of a name or topic.", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<bool> Mine = new("--mine") { Description = "Only the rooms you are in, with what is unread, and your invitations." };
    private static readonly Argument<string> NewName = new("name") { Description = "1 to 64 characters." };
    private static readonly Option<string?> Topic = new("--topic") { Description = "What it is about.", HelpName = "TEXT" };
    private static readonly Option<bool> Private = new("--private") { Description = "Only who is invited finds it and may join." };
    private static readonly Option<bool> Password = new("--password") { Description = $"The room has a password: it is taken from {PasswordInput.RoomVariable}, from standard input where that is redirected, or asked for." };
    private static readonly Option<bool> Bans = new("--bans") { Description = "List the bans instead; for moderators." };

    public static IEnumerable<Command> All()
    {
        yield return Verb.Create("rooms", "List the public rooms and your own, most active first.", "dchat rooms\ndchat rooms --mine\ndchat rooms garden --json", [Query, Mine], RoomsAsync);
        yield return Verb.Create("create", "Make a room; you become its owner.", "dchat create garden --topic \"Plants and soil\"\ndchat create plans --private", [NewName, Topic, Private, Password], CreateAsync);
        yield return Verb.Create("join", "Join a room, or accept an invitation.", "dchat join garden", [Room, Password], JoinAsync);
        yield return Verb.Create("leave", "Leave a room.", "dchat leave garden", [Room], LeaveAsync);
        yield return Verb.Create("members", "List who is in a room.", "dchat members garden\ndchat members garden --bans", [Room, Bans], MembersAsync);
    }

    private static async Task RoomsAsync(VerbContext context, CancellationToken cancel)
    {
        if (context.Parsed.GetValue(Mine))
        {
            await MineAsync(context, cancel);
            return;
        }

        await using var client = await context.ConnectAsync(cancel);
        string? after = null;
        do
        {
            var page = await client.ListRoomsAsync(context.Parsed.GetValue(Query), after, ProtocolLimits.PageMax, cancel);
            foreach (var room in page.Rooms)
            {
                context.Print.Result(room, () => Describe(room, context.Print));
            }

            after = page.Next;
        }
        while (after is not null);
    }

    private static string Describe(RoomSummary room, Printer print)
    {
        var name = room.Name.Length == 0 ? $"direct room {SafeText.Clean(room.Id)}" : SafeText.Clean(room.Name);
        var marks = $"{(room.Joined ? "*" : " ")} {print.Bold(name)}";
        var state = print.Dim($"({Members(room.Members)}, {room.Online} online{(room.Visibility == Visibilities.Private ? ", private" : "")}{(room.HasPassword ? ", password" : "")})");
        return $"{marks}  {state}  {SafeText.Clean(room.Topic)}".TrimEnd();
    }

    private static string Members(int count) => count == 1 ? "1 member" : $"{count} members";

    private static async Task MineAsync(VerbContext context, CancellationToken cancel)
    {
        await using var client = await context.ConnectAsync(cancel, followAll: true);
        foreach (var room in client.Rooms.OrderBy(room => room.Title, StringComparer.OrdinalIgnoreCase))
        {
            context.Print.Result(
                new { room = room.Info, unread = room.Unread, mentions = room.Mentions, online = room.OnlineCount },
                () => $"* {context.Print.Bold(SafeText.Clean(room.Title))}  {context.Print.Dim($"({Members(room.Info.Members)}, {room.OnlineCount} online)")}{(room.Unread > 0 ? $"  {room.Unread} unread" : "")}{(room.Mentions > 0 ? $", {room.Mentions} for you" : "")}");
        }

        foreach (var room in client.Invitations)
        {
            context.Print.Result(new { invitation = room }, () => $"? {context.Print.Bold(SafeText.Clean(room.Name))}  you are invited: dchat join {SafeText.Clean(room.Id)}");
        }
    }

    private static async Task CreateAsync(VerbContext context, CancellationToken cancel)
    {
        var parsed = context.Parsed;
        var password = parsed.GetValue(Password) ? PasswordInput.Read("Password of the room: ", confirm: true, PasswordInput.RoomVariable) : null;
        await using var client = await context.ConnectAsync(cancel);
        var visibility = parsed.GetValue(Private) ? Visibilities.Private : Visibilities.Public;
        var room = await context.PatientlyAsync(client.CreateRoomAsync(parsed.GetRequiredValue(NewName), parsed.GetValue(Topic), visibility, password, cancel));
        context.Print.Result(room, () => $"Created {SafeText.Clean(room.Name)} ({SafeText.Clean(room.Id)})");
    }

    private static async Task JoinAsync(VerbContext context, CancellationToken cancel)
    {
        var name = context.Parsed.GetRequiredValue(Room);
        var password = context.Parsed.GetValue(Password) ? PasswordInput.Read("Password of the room: ", variable: PasswordInput.RoomVariable) : null;
        await using var client = await context.ConnectAsync(cancel, followAll: true);
        var joined = await context.PatientlyAsync(JoinAsync(client, name, password, cancel));
        context.Print.Result(joined, () => $"Joined {SafeText.Clean(joined.Name)}");
    }

    /// <summary>A private room is joined by its id; somebody who is invited may also say its name.</summary>
    private static Task<Room> JoinAsync(ChatClient client, string name, string? password, CancellationToken cancel)
    {
        var invited = client.Invitations.FirstOrDefault(room => string.Equals(room.Name, name, StringComparison.OrdinalIgnoreCase));
        return name.StartsWith('@')
            ? client.OpenDirectAsync(name[1..], cancel)
            : client.JoinRoomAsync(invited?.Id ?? name, password, cancel);
    }

    private static async Task LeaveAsync(VerbContext context, CancellationToken cancel)
    {
        await using var client = await context.ConnectAsync(cancel);
        var name = context.Parsed.GetRequiredValue(Room);
        var room = await RoomNames.ResolveAsync(client, name, cancel);
        await client.LeaveRoomAsync(room, cancel);
        context.Print.Result(new { room }, () => $"Left {SafeText.Clean(name)}");
    }

    private static async Task MembersAsync(VerbContext context, CancellationToken cancel)
    {
        await using var client = await context.ConnectAsync(cancel);
        var room = await RoomNames.ResolveAsync(client, context.Parsed.GetRequiredValue(Room), cancel);
        var print = context.Print;
        string? after = null;
        do
        {
            if (context.Parsed.GetValue(Bans))
            {
                var page = await client.BansAsync(room, after, ProtocolLimits.PageMax, cancel);
                foreach (var ban in page.Bans)
                {
                    print.Result(ban, () => $"{print.Name(SafeText.Clean(ban.User))}  by {SafeText.Clean(ban.By)} {print.Dim(MessageText.Time(ban.At, TimeZoneInfo.Local))}  {SafeText.Clean(ban.Reason)}".TrimEnd());
                }

                after = page.Next;
            }
            else
            {
                var page = await client.MembersAsync(room, after, ProtocolLimits.PageMax, cancel);
                foreach (var member in page.Members)
                {
                    print.Result(member, () => $"{(member.Online ? "●" : "○")} {print.Name(SafeText.Clean(member.User))}  {SafeText.Clean(member.DisplayName)}  {print.Dim(SafeText.Clean(member.Role))}");
                }

                after = page.Next;
            }
        }
        while (after is not null);
    }
}
