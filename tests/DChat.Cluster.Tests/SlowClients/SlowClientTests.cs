using System.Text;
using System.Text.Json.Nodes;
using DChat.TestKit;

namespace DChat.Cluster.Tests.SlowClients;

/// <summary>G7: a client that does not read.</summary>
public sealed class SlowClientTests
{
    private const int OutboxBytes = 256 * 1024;
    private const int Senders = 4;
    private const int InFlight = 8;

    /// <summary>More than the sockets' buffers hold by far, so that the bound must be met: bytes of all bodies together.</summary>
    private const int BodyBytes = 6_000;
    private const int MessagesMax = 20_000;

    /// <summary>Sent while the slow client reads nothing; the server may grow by three quarters of it at most.</summary>
    private const long SentPausedBytes = 48L * 1024 * 1024;

    [Fact]
    public async Task G7_a_client_that_stops_reading_holds_nobody_up_costs_bounded_memory_and_catches_up_without_a_hole()
    {
        await using var server = await ServerProcess.StartAsync(
            ["--limits-outbox-bytes", OutboxBytes.ToString(), .. ServerProcess.WithoutRateLimits]);
        using var http = server.CreateHttpClient();
        var crowd = await Crowd.MakeAsync(http, server.AdminPassword, users: Senders + 2);
        var room = crowd.Room;
        using var slow = await RawWebSocket.ConnectAsync(server.Client, crowd.Token(0), receiveBytes: 4 * 1024);
        await slow.SendAsync(RawWebSocket.Record("""{"protocol":"json","version":1}"""));
        await slow.SendAsync(Subscribe(room, 0));
        var seen = (long)(await NextAsync(slow, IsAnswer))["result"]!["rev"]!;

        await using var watcher = await HubProbe.ConnectAsync(server.Client, crowd.Token(1));
        var watched = (long)(await watcher.CallAsync("subscribe", new { room }))!["rev"]!;
        var senders = await Task.WhenAll(Enumerable.Range(2, Senders).Select(user => HubProbe.ConnectAsync(server.Client, crowd.Token(user))));
        var sent = 0;
        var worst = 0.0;
        while (await Metrics.ReadAsync(server, "dchat_outbox_overflows_total") == 0)
        {
            Assert.True(sent < MessagesMax, "the slow client's outbox never overflowed");
            await SendAndWatchAsync();
        }

        // What the process itself holds is bounded too: once warm, it does not grow by what is sent while the slow client reads nothing.
        await SendPausedAsync();
        var resident = Resident(server);
        await SendPausedAsync();
        Assert.InRange(Resident(server) - resident, long.MinValue, SentPausedBytes / 4 * 3);

        Assert.InRange(worst, 0, 2 * OutboxBytes);

        // It reads again: what was queued, in order, then resync; then page after page; then live again.
        var resync = await ReadEventsAsync(slow, room, rev => Assert.Equal(++seen, rev));
        Assert.InRange(resync, seen + 1, watched);
        long upTo;
        bool more;
        do
        {
            await slow.SendAsync(Subscribe(room, seen));
            var page = (await NextAsync(slow, IsAnswer))["result"]!;
            Assert.False((bool)page["reset"]!);
            foreach (var message in page["messages"]!.AsArray())
            {
                Assert.Equal(++seen, (long)message!["rev"]!);
            }

            (upTo, more) = ((long)page["rev"]!, (bool)page["more"]!);
        }
        while (more);

        Assert.Equal(watched, upTo);
        Assert.Equal(watched, seen);
        await SendAndWatchAsync();
        while (seen < watched)
        {
            foreach (var change in (await NextAsync(slow, record => IsEvent(record, "events")))["arguments"]![0]!["events"]!.AsArray())
            {
                Assert.Equal(++seen, (long)change!["rev"]!);
            }
        }

        await Task.WhenAll(senders.Select(sender => sender.DisposeAsync().AsTask()));

        async Task SendPausedAsync()
        {
            var before = sent;
            while ((long)(sent - before) * BodyBytes < SentPausedBytes)
            {
                await SendAndWatchAsync();
                worst = Math.Max(worst, await Metrics.ReadAsync(server, "dchat_outbox_queued_bytes"));
            }
        }

        // Everybody sends a few; the watcher is shown each in turn before the next round.
        async Task SendAndWatchAsync()
        {
            await slow.SendAsync(RawWebSocket.Record("""{"type":6}""")); // It reads nothing, and is not gone: the server ends whoever is silent for 30 s.
            var body = new string('x', BodyBytes);
            var answers = senders.SelectMany(sender => Enumerable.Range(0, InFlight).Select(_ =>
                sender.BeginCall("send", new { room, clientId = Guid.NewGuid().ToString("N"), body }))).ToArray();
            sent += answers.Length;
            var revs = (await Task.WhenAll(answers).Within()).Select(answer => (long)answer!["rev"]!).ToArray();
            while (watched < revs.Max())
            {
                foreach (var change in (await watcher.NextAsync("events"))["events"]!.AsArray())
                {
                    Assert.Equal(++watched, (long)change!["rev"]!);
                }
            }
        }
    }

    private static long Resident(ServerProcess server)
    {
        using var process = System.Diagnostics.Process.GetProcessById(server.ProcessId);
        return process.WorkingSet64;
    }

    private static byte[] Subscribe(string room, long afterRev) =>
        RawWebSocket.Record($$"""{"type":1,"invocationId":"s","target":"subscribe","arguments":[{"room":"{{room}}","afterRev":{{afterRev}}}]}""");

    private static bool IsAnswer(JsonNode record) => (int?)record["type"] == 3;

    private static bool IsEvent(JsonNode record, string name) => (int?)record["type"] == 1 && (string?)record["target"] == name;

    /// <summary>Takes the room's events until <c>resync</c>.</summary>
    /// <returns>The rev up to which events were skipped.</returns>
    private static async Task<long> ReadEventsAsync(RawWebSocket socket, string room, Action<long> onRev)
    {
        while (true)
        {
            var record = await NextAsync(socket, record => IsEvent(record, "events") || IsEvent(record, "resync"));
            var argument = record["arguments"]![0]!;
            Assert.Equal(room, (string?)argument["room"]);
            if (IsEvent(record, "resync"))
            {
                return (long)argument["rev"]!;
            }

            foreach (var change in argument["events"]!.AsArray())
            {
                onRev((long)change!["rev"]!);
            }
        }
    }

    /// <summary>The next record that fits; the server's frames hold one record each.</summary>
    private static async Task<JsonNode> NextAsync(RawWebSocket socket, Func<JsonNode, bool> fits)
    {
        while (true)
        {
            var (opcode, payload) = await socket.ReadFrameAsync() ?? throw new IOException("the server ended the connection");
            if (opcode == RawWebSocket.Text && JsonNode.Parse(Encoding.UTF8.GetString(payload.AsSpan(..^1))) is { } record && fits(record))
            {
                return record;
            }
        }
    }
}
