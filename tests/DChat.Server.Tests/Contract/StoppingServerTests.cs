using DChat.TestKit;

namespace DChat.Server.Tests.Contract;

/// <summary>A stop finishes what it began: no client is left in doubt about what was done.</summary>
public sealed class StoppingServerTests
{
    private const int Clients = 4;
    private const int InFlight = 300;

    [Fact]
    public async Task Every_send_that_a_stopping_server_committed_it_answered()
    {
        using var folder = new TemporaryFolder();
        var answered = new HashSet<string>(StringComparer.Ordinal);
        var server = await OwnServer.StartAsync(options => options with { Data = folder["kept"] });
        var (_, token) = await server.AccountAsync();
        string room;
        await using (var owner = await HubProbe.ConnectAsync(server.Address, token))
        {
            room = await owner.MakeRoomAsync();
        }

        var hubs = await Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => HubProbe.ConnectAsync(server.Address, token)));
        var sending = hubs.Select((hub, client) => SendUntilClosedAsync(hub, room, $"c{client}", answered)).ToArray();
        await Eventually.Holds(() => CountOf(answered) > 2_000);
        await ((IAsyncDisposable)server).DisposeAsync();
        await Task.WhenAll(sending).Within();
        foreach (var hub in hubs)
        {
            await hub.DisposeAsync();
        }

        await using var again = await OwnServer.StartAsync(options => options with { Data = folder["kept"] });
        await using var reader = await HubProbe.ConnectAsync(again.Address, token);
        var view = new RoomView(room);
        await view.CatchUpAsync(reader, 0);
        var committed = view.Messages.Values.Where(message => (string)message["kind"]! == "text").Select(message => (string)message["clientId"]!).ToHashSet(StringComparer.Ordinal);
        Assert.Empty(committed.Except(answered));
        Assert.Empty(answered.Except(committed));
    }

    /// <summary>Never waits for an answer before the next send, so that at every moment some are under way.</summary>
    private static async Task SendUntilClosedAsync(HubProbe hub, string room, string client, HashSet<string> answered)
    {
        using var window = new SemaphoreSlim(InFlight);
        var answers = new List<Task>();
        for (var i = 0; !hub.Closed.IsCompleted; i++)
        {
            await Task.WhenAny(window.WaitAsync(), hub.Closed);
            answers.Add(TakeAsync($"{client}-{i}"));
        }

        await Task.WhenAll(answers);

        async Task TakeAsync(string clientId)
        {
            var answer = hub.Expect(clientId);
            try
            {
                await hub.SendRecordAsync($$"""{"type":1,"invocationId":"{{clientId}}","target":"send","arguments":[{"room":"{{room}}","clientId":"{{clientId}}","body":"going on"}]}""");
            }
            catch (Exception closed) when (closed is System.Net.WebSockets.WebSocketException or ObjectDisposedException or InvalidOperationException)
            {
                // The server has closed the connection; the answer may have come before.
            }

            await Task.WhenAny(answer, hub.Closed);
            window.Release();
            if (answer.IsCompletedSuccessfully)
            {
                lock (answered)
                {
                    answered.Add(clientId);
                }
            }
        }
    }

    private static int CountOf(HashSet<string> answered)
    {
        lock (answered)
        {
            return answered.Count;
        }
    }
}
