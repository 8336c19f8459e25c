using System.Text.Json.Nodes;
using DChat.Core.Messages;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Contract;

/// <summary>G2: nobody is shown a message before it is committed.</summary>
public sealed class G2NoPhantomsTests(ContractServer server) : IClassFixture<ContractServer>
{
    [Fact]
    public async Task What_an_event_shows_is_in_the_message_store_at_that_moment()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        var sync = await ben.Hub.SubscribeAsync(room);
        var store = server.Server.Services.GetRequiredService<IMessageStore>();
        var rev = (long)sync["rev"]!;
        for (var i = 0; i < 100; i++)
        {
            var sending = ann.Hub.BeginCall("send", new { room, clientId = $"c{i}", body = $"m{i}" });
            var shown = (await ben.Hub.NextAsync("events", call => (string)call["room"]! == room))["events"]!.AsArray();
            var kept = await store.ReadAfterAsync(room, rev, 200, ben.Name, default);
            foreach (var change in shown)
            {
                Assert.Contains(kept.Messages, message => message.Seq == (long)change!["message"]!["seq"]! && message.Body == (string)change["message"]!["body"]!);
                rev = (long)change!["rev"]!;
            }

            await sending.Within();
        }
    }

    [Fact]
    public async Task What_is_refused_is_shown_to_nobody()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        await ben.Hub.SubscribeAsync(room);
        await ann.Hub.RefusesAsync("invalid_argument", "send", new { room, clientId = Chat.NewId(), body = "phantom", replyTo = 999 });
        await ann.Hub.CallAsync("mute", new { room, user = ben.Name });
        await ben.Hub.RefusesAsync("muted", "send", new { room, clientId = Chat.NewId(), body = "phantom" });
        await ann.Hub.SendAsync(room, "real");
        await ben.Hub.NextPostAsync(room, "real");
        ben.Hub.HeardNothingOf("phantom");
        Assert.DoesNotContain("phantom", (await ann.Hub.HistoryAsync(room)).Select(message => (string)message["body"]!));
    }
}
