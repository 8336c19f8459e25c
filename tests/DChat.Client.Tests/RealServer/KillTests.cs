using System.Collections.Concurrent;
using DChat.Client.Connections;
using DChat.Protocol;
using DChat.TestKit;
using Xunit.Abstractions;

namespace DChat.Client.Tests.RealServer;

/// <summary>The client against a real server that is killed in the middle.</summary>
public sealed class KillTests(ITestOutputHelper output)
{
    private const int Rounds = 3;
    private const int MessagesMin = 150;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task What_was_acknowledged_is_there_and_everybody_sees_each_message_once_after_every_kill_G1_G3_G4_G5()
    {
        var random = new Random(Seed.Print(output));
        var fixture = new ChatServer();
        await fixture.InitializeAsync();
        var server = fixture.Process;
        try
        {
            await using var alice = await fixture.ConnectAsync("alice");
            await using var bob = await fixture.ConnectAsync("bob");
            var room = await alice.CreateRoomAsync("room").Within();
            await bob.JoinRoomAsync("room").Within();
            await alice.FollowAsync(room.Id).Within();
            await bob.FollowAsync(room.Id).Within();
            var watch = new[] { Watch(alice), Watch(bob) };
            using var stop = new CancellationTokenSource();
            var acknowledged = new ConcurrentDictionary<string, long>();
            var sending = new[] { SendAsync(alice, "a"), SendAsync(bob, "b") };

            for (var round = 0; round < Rounds; round++)
            {
                var target = acknowledged.Count + random.Next(5, 60);
                await Eventually.Holds(() => acknowledged.Count >= target || sending.Any(s => s.IsFaulted), Limit);
                await server.KillAsync();
                await server.RestartAsync();
            }

            await Eventually.Holds(() => acknowledged.Count >= MessagesMin || sending.Any(s => s.IsFaulted), Limit);
            await stop.CancelAsync();
            await Task.WhenAll(sending).Within(Limit);
            await alice.SendAsync(room.Id, "end").Within(Limit);

            var views = await Task.WhenAll(watch.Select(w => w.Task)).Within(Limit);
            Assert.Equal(views[0], views[1]);
            Assert.Equal(views[0].Count, views[0].Select(m => m.Body).Distinct().Count());
            Assert.All(acknowledged, a => Assert.Contains((a.Value, a.Key), views[0]));
            Assert.Equal(Enumerable.Range(0, views[0].Count).Select(i => views[0][0].Seq + i), views[0].Select(m => m.Seq));
            await Eventually.Holds(() => bob.Status.State == ConnectionState.Online);

            // Until it is told to stop, each message waits for the one before, so a sender's order is its numbers' order.
            async Task SendAsync(ChatClient client, string prefix)
            {
                for (var i = 0; !stop.IsCancellationRequested; i++)
                {
                    var sent = await client.SendAsync(room.Id, $"{prefix}{i}");
                    acknowledged[$"{prefix}{i}"] = sent.Seq;
                }
            }
        }
        finally
        {
            await fixture.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_server_that_is_stopped_and_started_again_costs_nobody_an_error()
    {
        var fixture = new ChatServer();
        await fixture.InitializeAsync();
        try
        {
            await using var alice = await fixture.ConnectAsync("alice");
            var room = await alice.CreateRoomAsync("room").Within();
            using var messages = alice.Messages();
            await alice.FollowAsync(room.Id).Within();
            var sends = Enumerable.Range(0, 50).Select(i => alice.SendAsync(room.Id, $"{i}")).ToList();
            await sends[10].Within();

            Assert.Equal(0, await fixture.Process.TerminateAsync());
            await fixture.Process.RestartAsync();

            await Task.WhenAll(sends).Within(Limit);
            Assert.Equal(Enumerable.Range(0, 50).Select(i => $"{i}"), (await messages.TakeAsync(50).Within()).Select(m => m.Message.Body));
        }
        finally
        {
            await fixture.DisposeAsync();
        }
    }

    /// <summary>All text messages that a client is told of, up to the last one.</summary>
    private static TaskCompletionSource<List<(long Seq, string Body)>> Watch(ChatClient client)
    {
        var done = new TaskCompletionSource<List<(long, string)>>(TaskCreationOptions.RunContinuationsAsynchronously);
        var stream = client.Messages();
        _ = ReadAsync();
        return done;

        async Task ReadAsync()
        {
            try
            {
                List<(long, string)> seen = [];
                await foreach (var (_, message) in stream)
                {
                    if (message.Kind == MessageKinds.Text)
                    {
                        seen.Add((message.Seq, message.Body));
                        if (message.Body == "end")
                        {
                            break;
                        }
                    }
                }

                done.TrySetResult(seen);
            }
            catch (Exception e)
            {
                done.TrySetException(e);
            }
        }
    }
}
