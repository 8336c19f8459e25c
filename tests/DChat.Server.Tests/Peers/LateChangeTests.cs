using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Tests.Contract;
using DChat.Server.Worker.Host;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;
using RoomHost = DChat.Server.Worker.Host.RoomHost;

namespace DChat.Server.Tests.Peers;

/// <summary>
/// While a host is in trouble its gateways send what waits again and again, and each time it is on its way for another while: what comes too late
/// once may be in time when it comes again.
/// </summary>
public sealed class LateChangeTests
{
    [Fact]
    public async Task G3_what_was_sent_after_a_change_that_comes_too_late_is_not_made_before_that_one_comes_again()
    {
        await using var cluster = await PeerCluster.StartAsync(hosts: 1);
        await using var ann = await cluster.PersonAsync(0);
        var room = await cluster.MakeRoomAsync(0, ann);
        await ann.Hub.SendAsync(room, "opened");
        var services = cluster.Workers[0].Server.Services;
        var host = services.GetRequiredService<RoomHost>();
        var epoch = services.GetRequiredService<IRoomAuthority>().EpochOf(room)!.Value;
        var flow = new ChangeFlow();
        var now = Environment.TickCount64;

        var store = cluster.Workers[0].Store!;
        store.Hold();
        var before = ann.Hub.BeginCall("send", new { room, clientId = Chat.NewId(), body = "before" });
        await Eventually.Holds(() => store.Writing == 1);
        var late = Send("first", attempt: 1, now - 1);
        var bounced = Send("second", attempt: 1, long.MaxValue);
        store.Release();
        await before.Within();
        Assert.Equal(ErrorCodes.Unavailable, (await late.Within()).Error!.Code);
        Assert.Equal(ChangeEnd.Moved, (await bounced.Within()).End);

        var first = Send("first", attempt: 2, long.MaxValue);
        var second = Send("second", attempt: 2, long.MaxValue);
        Assert.Null((await first.Within()).Error);
        Assert.Null((await second.Within()).Error);
        Assert.Equal(["opened", "before", "first", "second"], Chat.Bodies((await ann.Hub.CallAsync("history", new { room }))!));

        Task<ChangeOutcome> Send(string body, long attempt, long deadlineMs)
        {
            var answer = new Answer();
            var post = new PostMessage(ann.Name, body, 1, MessageKind.Text, body, null, [], []);
            host.Submit(room, post, null, answer, new ChangeOrigin(flow, epoch, attempt, deadlineMs));
            return answer.Outcome;
        }
    }

    private sealed class Answer : IChangeReceiver
    {
        private readonly TaskCompletionSource<ChangeOutcome> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<ChangeOutcome> Outcome => _outcome.Task;

        public void Completed(in ChangeOutcome outcome) => _outcome.TrySetResult(outcome);
    }
}
