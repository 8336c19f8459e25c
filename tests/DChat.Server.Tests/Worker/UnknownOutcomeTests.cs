using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Tests.Contract;
using DChat.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Worker;

/// <summary>While it is unknown what became of a write, it may be made yet: what promises that nothing more is made waits until that is known.</summary>
public sealed class UnknownOutcomeTests(UnknownOutcomeTests.FaultyServer server) : IClassFixture<UnknownOutcomeTests.FaultyServer>
{
    private const int Others = 20;

    [Fact]
    public async Task A_removal_waits_until_the_room_is_opened_again()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        await ben.Hub.SendAsync(room, "before");
        var store = (FaultyMessageStore)server.Server.Services.GetRequiredService<IMessageStore>();
        store.OpenFault = store.WriteFault = () => new MessageStoreUnavailableException("it does not answer");
        await ben.Hub.RefusesAsync(ErrorCodes.Unavailable, "send", new { room, clientId = "one", body = "one" });
        var removal = ann.Hub.BeginCall("kick", new { room, user = ben.Name });
        await ben.Hub.NextAsync("roomRemoved");
        for (var i = 0; i < Others; i++)
        {
            await ann.Hub.CallAsync("listRooms", new { });
        }

        Assert.False(removal.IsCompleted, "it is answered already");
        store.OpenFault = store.WriteFault = null;
        await removal.Within();
    }

    [Fact]
    public async Task G3_G4_a_room_whose_outcome_is_unknown_holds_up_no_other_of_its_batch()
    {
        await using var ann = await server.PersonAsync();
        var (first, known, unknown) = (await ann.MakeRoomAsync(), await ann.MakeRoomAsync(), await ann.MakeRoomAsync());
        foreach (var room in new[] { first, known, unknown })
        {
            await ann.Hub.SubscribeAsync(room);
        }

        var store = (FaultyMessageStore)server.Server.Services.GetRequiredService<IMessageStore>();
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        (store.WritesHeld, store.UnknownRoom) = (held.Task, unknown);
        try
        {
            // While one is written, what comes gathers in the next batch.
            var before = ann.Hub.SendAsync(first, "before");
            await Eventually.Holds(() => store.Batches.Any(batch => batch.Contains(first)));
            var (told, untold, behind) = (ann.Hub.SendAsync(known, "told"), ann.Hub.SendAsync(unknown, "untold", "id"), ann.Hub.SendAsync(unknown, "behind", "id2"));
            await ann.Hub.CallAsync("listRooms", new { });
            held.SetResult();
            await before;
            Assert.Equal(1, (int)(await told)["seq"]!);
            Assert.Equal(ErrorCodes.Unavailable, (await Assert.ThrowsAsync<HubCallFailedException>(() => untold)).Error!.Code);
            Assert.Equal(ErrorCodes.Unavailable, (await Assert.ThrowsAsync<HubCallFailedException>(() => behind)).Error!.Code);
            Assert.Contains(store.Batches, batch => batch.Contains(known) && batch.Contains(unknown));
        }
        finally
        {
            (store.WritesHeld, store.UnknownRoom) = (Task.CompletedTask, null);
            held.TrySetResult();
        }

        // It had been written: it is not shown as live, and is told once to whoever resumes, and to its sender.
        await ann.Hub.NextPostAsync(known, "told");
        Assert.Equal(2, (int)(await ann.Hub.NextAsync("resync", told => (string)told["room"]! == unknown))["rev"]!);
        Assert.Equal(["untold", "behind"], Chat.Bodies(await ann.Hub.SubscribeAsync(unknown, 0)));
        Assert.Equal(1, (int)(await ann.Hub.SendAsync(unknown, "untold", "id"))["seq"]!);
        Assert.Equal(3, (int)(await ann.Hub.SendAsync(unknown, "after"))["seq"]!);
        await ann.Hub.NextPostAsync(unknown, "after");
        Assert.Equal(2, (int)(await ann.Hub.SendAsync(known, "once more"))["seq"]!);
        await ann.Hub.NextPostAsync(known, "once more");
        Assert.DoesNotContain(ann.Hub.Untaken(), heard => heard.Name == "resync");
    }

    public sealed class FaultyServer : ContractServer
    {
        protected override void Adjust(WebApplicationBuilder builder) => FaultyMessageStore.Wrap(builder);
    }
}
