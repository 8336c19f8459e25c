using System.Globalization;
using DChat.Protocol;

namespace DChat.Server.Tests.Fuzz;

/// <summary>Calls of every hub method, nearly valid.</summary>
internal sealed class HubCalls(Nasty nasty, IReadOnlyList<string> rooms, IReadOnlyList<string> users)
{
    public static IReadOnlyList<string> Methods { get; } =
        [.. typeof(HubMethods).GetFields().Where(field => field.IsLiteral).Select(field => (string)field.GetRawConstantValue()!)];

    /// <summary>An <c>invocation</c> record.</summary>
    /// <param name="invocationId">Null: no answer is wanted.</param>
    public string Next(string? invocationId)
    {
        var method = nasty.Pick(Methods);
        var name = nasty.Random.Next(40) switch { 0 => method.ToUpperInvariant(), 1 => method + "x", _ => method };
        var argument = nasty.Chance(0.02) ? nasty.Value() : nasty.Object(Valid(method));
        var arguments = nasty.Random.Next(60) switch { 0 => "", 1 => argument + "," + argument, _ => argument };
        var id = invocationId is null ? "" : $"\"invocationId\":\"{invocationId}\",";
        return $$"""{"type":1,{{id}}"target":"{{name}}","arguments":[{{arguments}}]}""";
    }

    private List<(string Name, string Value)> Valid(string method)
    {
        var room = ("room", Quote(nasty.Pick(rooms)));
        var user = ("user", Quote(nasty.Pick(users)));
        var clientId = ("clientId", Quote("c" + nasty.Random.Next(5_000).ToString(CultureInfo.InvariantCulture)));
        var seq = ("seq", Number(1, 60));
        return method switch
        {
            HubMethods.Sync => [("revs", $"{{{Quote(nasty.Pick(rooms))}:{Number(0, 60)}}}")],
            HubMethods.Subscribe => [room, ("afterRev", Number(0, 60))],
            HubMethods.ListRooms => [("query", "\"o\""), ("limit", Number(1, 200))],
            HubMethods.CreateRoom => [("name", Quote("room " + nasty.Random.Next(200))), ("topic", "\"t\""), ("visibility", "\"public\""), ("commandId", Quote(nasty.Random.Next(500).ToString(CultureInfo.InvariantCulture)))],
            HubMethods.JoinRoom => [room, ("password", "\"p\"")],
            HubMethods.UpdateRoom => [room, ("name", Quote("room " + nasty.Random.Next(200))), ("topic", "\"u\""), ("visibility", "\"public\""), ("slowModeSeconds", "0"), ("archived", "false")],
            HubMethods.Members or HubMethods.Bans => [room, ("after", Quote(nasty.Pick(users))), ("limit", Number(1, 200))],
            HubMethods.Invite or HubMethods.Kick or HubMethods.Ban or HubMethods.Unban => [room, user, ("reason", "\"r\"")],
            HubMethods.Mute => [room, user, ("minutes", Number(0, 2))],
            HubMethods.SetRole => [room, user, ("role", Quote(nasty.Pick(["owner", "moderator", "member"])))],
            HubMethods.OpenDirect => [user],
            HubMethods.Send => [room, clientId, ("body", Quote("hello @" + nasty.Pick(users))), ("kind", "\"text\""), ("replyTo", Number(1, 60)), ("files", "[]")],
            HubMethods.Edit => [room, clientId, seq, ("body", "\"edited\"")],
            HubMethods.Delete => [room, clientId, seq],
            HubMethods.React => [room, clientId, seq, ("emoji", "\"👍\""), ("on", "true")],
            HubMethods.History => [room, ("beforeSeq", Number(1, 60)), ("limit", Number(1, 200))],
            HubMethods.Search => [("query", "\"hello\""), room, ("limit", Number(1, 50))],
            HubMethods.MarkRead => [room, seq],
            HubMethods.SetPresence => [("state", "\"away\"")],
            _ => [room],
        };
    }

    private string Number(int from, int to) => nasty.Random.Next(from, to + 1).ToString(CultureInfo.InvariantCulture);

    private static string Quote(string text) => $"\"{text}\"";
}
