using System.Buffers;
using System.Net.Sockets;
using DChat.Server.Nodes;
using DChat.TestKit;
using Xunit.Abstractions;

namespace DChat.Server.Tests.Nodes;

public sealed class NodeLinkTests(ITestOutputHelper output)
{
    /// <summary>Nobody is ever silent for long by it, however slow the machine.</summary>
    private static readonly TimeProvider Timeless = new StandingTime();

    [Fact]
    public async Task Posts_arrive_whole_and_in_order_whatever_their_sizes()
    {
        var random = new Random(Seed.Print(output));
        await using var pair = await LinkPair.ConnectAsync();
        var service = new EchoService();
        await using var left = new NodeLink(LinkPair.Hello("r"), pair.LeftStream, new EchoService(), Timeless);
        await using var right = new NodeLink(LinkPair.Hello("l"), pair.RightStream, service, Timeless);
        var sent = Enumerable.Range(0, 2_000).Select(_ => RandomBytes(random, random.Next(10) == 0 ? random.Next(200_000) : random.Next(300))).ToList();
        foreach (var payload in sent)
        {
            Assert.True(await left.PostAsync(7, payload, CancellationToken.None).AsTask().Within());
        }

        foreach (var payload in sent)
        {
            var message = await service.Received.ReadAsync().AsTask().Within();
            Assert.Equal(7, message.Method);
            Assert.Equal(payload, message.Payload);
        }
    }

    [Fact]
    public async Task Calls_get_their_own_answers_both_ways_at_once()
    {
        await using var pair = await LinkPair.ConnectAsync();
        await using var left = new NodeLink(LinkPair.Hello("r"), pair.LeftStream, new EchoService(), Timeless);
        await using var right = new NodeLink(LinkPair.Hello("l"), pair.RightStream, new EchoService(), Timeless);
        var limit = Eventually.DefaultLimit;
        await Task.WhenAll(Enumerable.Range(1, 500).SelectMany(i => new[] { left, right }.Select(async link =>
        {
            var asked = BitConverter.GetBytes(i);
            var answer = await link.CallAsync(1, asked, limit, CancellationToken.None);
            Assert.Equal(asked.Reverse(), answer);
        }))).Within();
        var failure = await Assert.ThrowsAsync<NodeLinkException>(() => left.CallAsync(1, default, limit, CancellationToken.None)).Within();
        Assert.Equal("nothing to turn round", failure.Message);
    }

    /// <summary>The HTTP client's streams throw where they are disposed twice at once, and the worker whose link does that stops.</summary>
    [Fact]
    public async Task A_link_that_ends_disposes_its_stream_once()
    {
        await using var pair = await LinkPair.ConnectAsync();
        await using var stream = new CountedStream(pair.LeftStream.Socket);
        await using var link = new NodeLink(LinkPair.Hello("r"), stream, new EchoService(), Timeless);
        link.End("on purpose");
        await link.Completion.Within();
        Assert.Equal(1, stream.Disposals);
    }

    [Fact]
    public async Task A_link_that_breaks_fails_its_calls_and_says_so_on_both_sides()
    {
        await using var pair = await LinkPair.ConnectAsync();
        var held = new TaskCompletionSource();
        var service = new EchoService { Gate = held.Task };
        await using var left = new NodeLink(LinkPair.Hello("r"), pair.LeftStream, new EchoService(), Timeless);
        await using var right = new NodeLink(LinkPair.Hello("l"), pair.RightStream, service, Timeless);
        var calls = Enumerable.Range(0, 20).Select(_ => left.CallAsync(1, new byte[1], TimeSpan.FromSeconds(30), CancellationToken.None)).ToList();
        right.End("on purpose");
        held.SetResult();
        Assert.Equal("on purpose", await right.Completion.Within());
        await left.Completion.Within();
        foreach (var call in calls)
        {
            await Assert.ThrowsAnyAsync<NodeLinkException>(() => call).Within();
        }

        Assert.False(left.Post(1, new byte[1]));
        await Assert.ThrowsAnyAsync<NodeLinkException>(() => left.CallAsync(1, new byte[1], TimeSpan.FromSeconds(30), CancellationToken.None)).Within();
    }

    [Fact]
    public async Task A_peer_that_does_not_read_is_cut_off_before_memory_runs_out()
    {
        await using var pair = await LinkPair.ConnectAsync();
        await using var left = new NodeLink(LinkPair.Hello("r"), pair.LeftStream, new EchoService(), Timeless);
        var part = new byte[1024 * 1024];
        var posts = 0;
        while (left.Post(1, part))
        {
            Assert.True(++posts < 200, "nothing bounds what waits");
        }

        Assert.Equal("the peer does not read what is sent to it", await left.Completion.Within());
    }

    [Fact]
    public async Task A_silent_peer_is_cut_off()
    {
        await using var pair = await LinkPair.ConnectAsync();
        await using var left = new NodeLink(LinkPair.Hello("r"), pair.LeftStream, new EchoService(), TimeProvider.System);
        Assert.Contains("silent", await left.Completion.Within(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_that_have_nothing_to_say_stay_linked()
    {
        await using var pair = await LinkPair.ConnectAsync();
        await using var silent = await LinkPair.ConnectAsync();
        await using var left = new NodeLink(LinkPair.Hello("r"), pair.LeftStream, new EchoService(), TimeProvider.System);
        await using var right = new NodeLink(LinkPair.Hello("l"), pair.RightStream, new EchoService(), TimeProvider.System);
        await using var measure = new NodeLink(LinkPair.Hello("r"), silent.LeftStream, new EchoService(), TimeProvider.System);
        await measure.Completion.Within(); // Nobody beats there: as long as silence is borne.
        Assert.True(left.IsUp && right.IsUp);
    }

    [Fact]
    public void Nonsense_is_no_frame_and_never_read_beyond_what_is_there()
    {
        var random = new Random(Seed.Print(output));
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = RandomBytes(random, random.Next(64));
            if (bytes.Length >= 4 && random.Next(2) == 0)
            {
                BitConverter.TryWriteBytes(bytes, random.Next(0, 64));
            }

            var input = new ReadOnlySequence<byte>(bytes);
            try
            {
                while (NodeFrame.TryRead(ref input, out var message))
                {
                    Assert.True(message.Payload.Length <= bytes.Length);
                    Read(new PayloadReader(message.Payload), random);
                }
            }
            catch (InvalidDataException)
            {
                // Named for what it is.
            }
        }
    }

    [Fact]
    public void A_payload_is_read_as_it_was_written()
    {
        var written = new PayloadWriter().Number(0).Number(127).Number(128).Number(long.MaxValue).Flag(true).Text("grüße 🎈").Bytes([1, 2, 3]).Text("");
        var reader = new PayloadReader(written.WrittenMemory);
        Assert.Equal((0L, 127L, 128L, long.MaxValue), (reader.Number(), reader.Number(), reader.Number(), reader.Number()));
        Assert.True(reader.Flag());
        Assert.Equal("grüße 🎈", reader.Text());
        Assert.Equal([1, 2, 3], reader.Bytes().ToArray());
        Assert.Equal("", reader.Text());
        Assert.True(reader.IsAtEnd);
    }

    private static void Read(PayloadReader reader, Random random)
    {
        while (!reader.IsAtEnd)
        {
            _ = random.Next(4) switch
            {
                0 => reader.Number(),
                1 => reader.Text().Length,
                2 => reader.Bytes().Length,
                _ => reader.Flag() ? 1 : 0,
            };
        }
    }

    private static byte[] RandomBytes(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    private sealed class StandingTime : TimeProvider
    {
        public override long GetTimestamp() => 0;
    }

    private sealed class CountedStream(Socket socket) : NetworkStream(socket)
    {
        private int _disposals;

        public int Disposals => _disposals;

        protected override void Dispose(bool disposing)
        {
            Interlocked.Increment(ref _disposals);
            base.Dispose(disposing);
        }
    }
}
