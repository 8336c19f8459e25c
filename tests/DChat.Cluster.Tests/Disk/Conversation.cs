using System.Text.Json.Nodes;
using DChat.Protocol;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Disk;

/// <summary>One who sends through trouble, one who listens, and at the end the room against what was acknowledged.</summary>
internal sealed class Conversation : IAsyncDisposable
{
    private const int BodyChars = 2_000;
    private readonly Crowd _crowd;
    private readonly Dictionary<long, string> _acknowledged = [];
    private string? _unanswered;
    private HubProbe _sender;

    private Conversation(Crowd crowd, HubProbe sender) => (_crowd, _sender) = (crowd, sender);

    public string Room => _crowd.Room;

    public HubProbe Sender => _sender;

    public int Acknowledged => _acknowledged.Count;

    public static async Task<Conversation> BeginAsync(ServerProcess server)
    {
        using var http = server.CreateHttpClient();
        var crowd = await Crowd.MakeAsync(http, server.AdminPassword, users: 1);
        return new Conversation(crowd, await HubProbe.ConnectAsync(server.Client, crowd.Token(0)));
    }

    public async Task ReconnectAsync(ServerProcess server)
    {
        await _sender.DisposeAsync();
        _sender = await HubProbe.ConnectAsync(server.Client, _crowd.Token(0));
    }

    /// <summary>Sends, or repeats what was not acknowledged; true when it is acknowledged, false when it is refused as <c>unavailable</c>.</summary>
    public async Task<bool> TrySendAsync()
    {
        _unanswered ??= Guid.NewGuid().ToString("N");
        try
        {
            var answer = await _sender.CallAsync("send", new { room = Room, clientId = _unanswered, body = Body(_unanswered) });
            var seq = (long)answer!["seq"]!;
            Assert.True(_acknowledged.TryAdd(seq, _unanswered), $"seq {seq} was acknowledged twice");
            _unanswered = null;
            return true;
        }
        catch (HubCallFailedException refused)
        {
            Assert.Equal(ErrorCodes.Unavailable, refused.Error?.Code);
            return false;
        }
    }

    public async Task SendAsync(int count)
    {
        for (var i = 0; i < count; i++)
        {
            Assert.True(await TrySendAsync());
        }
    }

    /// <summary>The room holds what was acknowledged, where it was said to be, without holes, and nothing else.</summary>
    public async Task CheckAsync()
    {
        var found = new Dictionary<long, string>();
        long? before = null;
        JsonNode page;
        do
        {
            page = (await _sender.CallAsync("history", new { room = Room, beforeSeq = before, limit = 200 }))!;
            foreach (var message in page["messages"]!.AsArray())
            {
                found.Add((long)message!["seq"]!, (string)message["clientId"]!);
                Assert.Equal(Body((string)message["clientId"]!), (string)message["body"]!);
            }

            before = found.Count == 0 ? null : found.Keys.Min();
        }
        while ((bool)page["more"]!);

        if (found.ContainsValue(_unanswered ?? ""))
        {
            _acknowledged.Add(found.Single(each => each.Value == _unanswered).Key, _unanswered!); // Committed, but never answered.
        }

        Assert.Equal(_acknowledged.OrderBy(each => each.Key), found.OrderBy(each => each.Key));
        Assert.Equal(Enumerable.Range(1, found.Count).Select(seq => (long)seq), found.Keys.Order());
    }

    public ValueTask DisposeAsync() => _sender.DisposeAsync();

    private static string Body(string clientId) => clientId.PadRight(BodyChars, '.');
}
