using System.Diagnostics;
using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Tests.Contract;
using DChat.Server.Worker.Host;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Worker;

/// <summary>What the log says while rooms cannot be opened: every one of them is tried again and again.</summary>
public sealed class OutageWordsTests(UnknownOutcomeTests.FaultyServer server) : IClassFixture<UnknownOutcomeTests.FaultyServer>
{
    private const int Failures = 6;

    [Fact]
    public async Task That_rooms_do_not_open_is_said_once_in_a_while_and_that_they_do_again_is_said_once()
    {
        await using var ann = await server.PersonAsync();
        var store = (FaultyMessageStore)server.Server.Services.GetRequiredService<IMessageStore>();
        var failures = 0;
        store.OpenFault = () =>
        {
            Interlocked.Increment(ref failures);
            return new MessageStoreUnavailableException("it does not answer");
        };
        var began = Stopwatch.GetTimestamp();
        var room = "";
        while (Volatile.Read(ref failures) < Failures)
        {
            room = await ann.MakeRoomAsync();
            await ann.Hub.RefusesAsync(ErrorCodes.Unavailable, "send", new { room, clientId = "one", body = "one" });
        }

        Assert.InRange(Said(2601), 1, 1 + (int)(Stopwatch.GetElapsedTime(began).TotalMilliseconds / CommitLoop.SayEveryMs));
        Assert.Equal(0, Said(2606));

        store.OpenFault = null;
        await ann.Hub.SendAsync(room, "one", "one");
        Assert.Equal(1, Said(2606));
    }

    private int Said(int eventId) => server.Server.Log.Lines.Count(line => line.Contains($"[{eventId}]", StringComparison.Ordinal));
}
