using System.Buffers;
using System.Text;
using DChat.Server.Worker.Transport;

namespace DChat.Server.Tests.Worker;

public sealed class RecordReaderTests
{
    [Fact]
    public void Records_come_out_whole_however_they_are_spread_over_frames_and_buffers()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var round = 0; round < 300; round++)
        {
            var records = Enumerable.Range(0, random.Next(1, 20)).Select(i => new string((char)('a' + i), random.Next(0, 3_000))).ToArray();
            var text = Encoding.UTF8.GetBytes(string.Concat(records.Select(record => record + '\u001e')));
            var bytes = Frames(text, random);
            var sink = new Sink();
            var reader = new RecordReader(10_000);
            Feed(ref reader, bytes, sink, random);
            reader.Release();
            Assert.True(records.SequenceEqual(sink.Records), $"seed {seed} round {round}");
        }
    }

    [Fact]
    public void A_record_without_end_is_not_gathered_beyond_the_limit()
    {
        var sink = new Sink();
        var reader = new RecordReader(1_000);
        var end = ReadEnd.NeedsMore;
        for (var i = 0; i < 20 && end == ReadEnd.NeedsMore; i++)
        {
            var buffer = new ReadOnlySequence<byte>(ClientFrames.Text(new string('x', 100)));
            end = reader.Read(ref buffer, sink);
        }

        Assert.Equal(ReadEnd.TooLarge, end);
        Assert.Empty(sink.Records);
    }

    [Fact]
    public void A_message_may_be_longer_than_a_record_may_be()
    {
        var records = Enumerable.Range(0, 500).Select(i => new string((char)('a' + (i % 26)), 700)).ToArray();
        var sink = new Sink();
        var reader = new RecordReader(1_000);
        Feed(ref reader, ClientFrames.Text(string.Concat(records.Select(record => record + '\u001e'))), sink, new Random(1));
        Assert.Equal(records, sink.Records);

        var tooLarge = new ReadOnlySequence<byte>(ClientFrames.Text("short\u001e" + new string('x', 1_001) + '\u001e'));
        Assert.Equal(ReadEnd.TooLarge, reader.Read(ref tooLarge, sink));
        Assert.Equal("short", sink.Records[^1]);
    }

    [Fact]
    public void A_sink_that_pauses_within_a_message_gets_the_rest_of_it_later()
    {
        var sink = new Sink { PauseAfter = 2 };
        var reader = new RecordReader(1_000);
        var buffer = new ReadOnlySequence<byte>(ClientFrames.Text("a\u001ebc\u001edef\u001eghij\u001e"));
        Assert.Equal(ReadEnd.Paused, reader.Read(ref buffer, sink));
        Assert.Equal(["a", "bc"], sink.Records);

        sink.PauseAfter = int.MaxValue;
        Assert.Equal(ReadEnd.NeedsMore, reader.Read(ref buffer, sink));
        Assert.Equal(["a", "bc", "def", "ghij"], sink.Records);
        Assert.True(buffer.IsEmpty);
    }

    [Fact]
    public void A_ping_between_the_pieces_of_a_message_is_answered_and_a_stray_piece_refused()
    {
        var sink = new Sink();
        var reader = new RecordReader(1_000);
        byte[] bytes =
        [
            .. ClientFrames.Text("he"u8, final: false),
            .. ClientFrames.Text("!"u8, final: true, kind: 9),
            .. ClientFrames.Text("llo\u001e"u8, final: true, kind: 0),
        ];
        var buffer = new ReadOnlySequence<byte>(bytes);
        Assert.Equal(ReadEnd.NeedsMore, reader.Read(ref buffer, sink));
        Assert.Equal(["hello"], sink.Records);
        Assert.Equal(1, sink.Pings);

        buffer = new ReadOnlySequence<byte>(ClientFrames.Text("x"u8, final: true, kind: 0));
        Assert.Equal(ReadEnd.ProtocolError, reader.Read(ref buffer, sink));
    }

    [Fact]
    public void A_paused_sink_leaves_the_rest_unread()
    {
        var sink = new Sink { PauseAfter = 2 };
        var reader = new RecordReader(1_000);
        byte[] bytes = [.. ClientFrames.Text("a\u001e"), .. ClientFrames.Text("b\u001e"), .. ClientFrames.Text("c\u001e")];
        var buffer = new ReadOnlySequence<byte>(bytes);
        Assert.Equal(ReadEnd.Paused, reader.Read(ref buffer, sink));
        Assert.Equal(["a", "b"], sink.Records);

        sink.PauseAfter = int.MaxValue;
        Assert.Equal(ReadEnd.NeedsMore, reader.Read(ref buffer, sink));
        Assert.Equal(["a", "b", "c"], sink.Records);
    }

    private static byte[] Frames(ReadOnlySpan<byte> text, Random random)
    {
        var bytes = new List<byte>();
        while (!text.IsEmpty)
        {
            var messageBytes = Math.Min(text.Length, random.Next(1, 5_000));
            var message = text[..messageBytes];
            text = text[messageBytes..];
            byte kind = 1;
            while (!message.IsEmpty)
            {
                var pieceBytes = Math.Min(message.Length, random.Next(1, 4_000));
                bytes.AddRange(ClientFrames.Text(message[..pieceBytes], pieceBytes == message.Length, kind));
                message = message[pieceBytes..];
                kind = 0;
            }
        }

        return [.. bytes];
    }

    /// <summary>Feeds as a pipe does: what was left unread stands again before what is new.</summary>
    private static void Feed(ref RecordReader reader, byte[] bytes, Sink sink, Random random)
    {
        var start = 0;
        var end = 0;
        while (end < bytes.Length)
        {
            end = Math.Min(bytes.Length, end + random.Next(1, 6_000));
            var buffer = new ReadOnlySequence<byte>(bytes, start, end - start);
            Assert.Equal(ReadEnd.NeedsMore, reader.Read(ref buffer, sink));
            start = end - (int)buffer.Length;
        }
    }

    private sealed class Sink : IRecordSink
    {
        public List<string> Records { get; } = [];

        public int Pings { get; private set; }

        public int PauseAfter { get; set; } = int.MaxValue;

        public bool IsPaused => Records.Count >= PauseAfter;

        public bool OnRecord(ReadOnlySpan<byte> record)
        {
            Records.Add(Encoding.UTF8.GetString(record));
            return true;
        }

        public void OnPing(ReadOnlySpan<byte> payload) => Pings++;
    }
}
