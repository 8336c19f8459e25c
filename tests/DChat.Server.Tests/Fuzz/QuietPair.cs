using DChat.TestKit;

namespace DChat.Server.Tests.Fuzz;

/// <summary>Two who chat as if nothing happened: each message is acknowledged and shown to both, and the revs are contiguous.</summary>
internal sealed class QuietPair : IAsyncDisposable
{
    private readonly HubProbe _alice;
    private readonly HubProbe _bob;
    private readonly long[] _revs = new long[2];

    private QuietPair(HubProbe alice, HubProbe bob, string room) => (_alice, _bob, Room) = (alice, bob, room);

    public string Room { get; }

    public int Messages { get; private set; }

    public static async Task<QuietPair> MeetAsync(Uri server, string aliceToken, string bobToken, string bob)
    {
        var pair = (Alice: await HubProbe.ConnectAsync(server, aliceToken), Bob: await HubProbe.ConnectAsync(server, bobToken));
        var room = (string)(await pair.Alice.CallAsync("createRoom", new { name = "a quiet place", visibility = "private" }))!["id"]!;
        await pair.Alice.CallAsync("invite", new { room, user = bob });
        await pair.Bob.CallAsync("joinRoom", new { room });
        var quiet = new QuietPair(pair.Alice, pair.Bob, room);
        await quiet.SendAsync(first: true);
        return quiet;
    }

    public async Task ChatAsync(CancellationToken until)
    {
        while (!until.IsCancellationRequested)
        {
            await SendAsync();
        }
    }

    /// <summary>Nobody else got in, and nothing else was said.</summary>
    public async Task CheckAsync()
    {
        var members = (await _alice.CallAsync("members", new { room = Room }))!["members"]!.AsArray();
        Assert.Equal(2, members.Count);
        var page = (await _bob.CallAsync("history", new { room = Room, limit = 200 }))!["messages"]!.AsArray();
        Assert.All(page, message => Assert.True((string?)message!["kind"] == "system" || ((string)message["body"]!).StartsWith("quiet ", StringComparison.Ordinal), message!.ToJsonString()));
    }

    public async ValueTask DisposeAsync()
    {
        await _alice.DisposeAsync();
        await _bob.DisposeAsync();
    }

    private async Task SendAsync(bool first = false)
    {
        if (first)
        {
            _revs[0] = (long)(await _alice.CallAsync("subscribe", new { room = Room }))!["rev"]!;
            _revs[1] = (long)(await _bob.CallAsync("subscribe", new { room = Room }))!["rev"]!;
        }

        var sender = Messages % 2 == 0 ? _alice : _bob;
        var answer = await sender.CallAsync("send", new { room = Room, clientId = Guid.NewGuid().ToString("N"), body = $"quiet {Messages}" });
        Messages++;
        await Task.WhenAll(SeeAsync(_alice, 0, (long)answer!["rev"]!), SeeAsync(_bob, 1, (long)answer["rev"]!));
    }

    private async Task SeeAsync(HubProbe probe, int who, long upTo)
    {
        while (_revs[who] < upTo)
        {
            var events = await probe.NextAsync("events", events => (string?)events["room"] == Room);
            foreach (var change in events["events"]!.AsArray())
            {
                Assert.Equal(++_revs[who], (long)change!["rev"]!);
            }
        }
    }
}
