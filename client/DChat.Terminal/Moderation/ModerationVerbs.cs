using System.CommandLine;
using DChat.Client;
using DChat.Terminal.Invocation;
using DChat.Terminal.Output;
using DChat.Terminal.Rooms;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Moderation;

/// <summary><c>invite</c>, <c>kick</c>, <c>ban</c>, <c>unban</c>, <c>mute</c>, <c>role</c>.</summary>
internal static class ModerationVerbs
{
    private static readonly Argument<string> User = new("who") { Description = "The user; a leading @ does not matter." };
    private static readonly Argument<string> Role = new("role") { Description = "owner, moderator or member." };
    private static readonly Option<string?> Reason = new("--reason") { Description = "Shown to the room.", HelpName = "TEXT" };
    private static readonly Option<int> Minutes = new("--minutes") { Description = "How long; 0 ends a mute.", HelpName = "N", DefaultValueFactory = _ => 60 };

    public static IEnumerable<Command> All()
    {
        yield return Create("invite", "Invite somebody to a room.", "dchat invite garden bob", "Invited", [], (client, room, user, _, cancel) => client.InviteAsync(room, user, cancel));
        yield return Create("kick", "Remove a member, who may join again.", "dchat kick garden bob --reason \"too loud\"", "Removed", [Reason], (client, room, user, parsed, cancel) => client.KickAsync(room, user, parsed.GetValue(Reason), cancel));
        yield return Create("ban", "Remove somebody from a room for good.", "dchat ban garden bob --reason spam", "Banned", [Reason], (client, room, user, parsed, cancel) => client.BanAsync(room, user, parsed.GetValue(Reason), cancel));
        yield return Create("unban", "End a ban.", "dchat unban garden bob", "Unbanned", [], (client, room, user, _, cancel) => client.UnbanAsync(room, user, cancel));
        yield return Create("mute", "Keep a member from writing for a time.", "dchat mute garden bob --minutes 10\ndchat mute garden bob --minutes 0", "Muted", [Minutes, Reason], (client, room, user, parsed, cancel) => client.MuteAsync(room, user, parsed.GetValue(Minutes), parsed.GetValue(Reason), cancel));
        yield return Create("role", "Make a member owner, moderator or member.", "dchat role garden bob moderator", "Changed the role of", [Role], (client, room, user, parsed, cancel) => client.SetRoleAsync(room, user, parsed.GetRequiredValue(Role), cancel));
    }

    private static Command Create(string name, string description, string example, string done, IEnumerable<Symbol> parts, Func<ChatClient, string, string, ParseResult, CancellationToken, Task> act) =>
        Verb.Create(name, description, example, [RoomVerbs.Room, User, .. parts], async (context, cancel) =>
        {
            await using var client = await context.ConnectAsync(cancel);
            var roomName = context.Parsed.GetRequiredValue(RoomVerbs.Room);
            var user = context.Parsed.GetRequiredValue(User).TrimStart('@');
            var room = await RoomNames.ResolveAsync(client, roomName, cancel);
            await act(client, room, user, context.Parsed, cancel);
            context.Print.Result(new { room, user }, () => $"{done} {SafeText.Clean(user)} ({SafeText.Clean(roomName)})");
        });
}
