using System.Buffers.Binary;
using System.Text;
using DChat.Terminal.Load.Wire;

namespace DChat.Terminal.Tests.Load;

public sealed class RecordStreamTests
{
    [Fact]
    public void Records_come_out_whole_however_they_are_cut_into_frames_and_reads()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        for (var round = 0; round < 500; round++)
        {
            var records = Enumerable.Range(0, random.Next(1, 12)).Select(index => Text(random, index)).ToList();
            var bytes = Frames(random, Encoding.UTF8.GetBytes(string.Concat(records.Select(record => record + '\x1e'))), out var pings);
            var seen = new Collector();

            ReadInPieces(random, bytes, new RecordStream(), seen);

            Assert.True(records.SequenceEqual(seen.Records), $"seed {seed}, round {round}");
            Assert.True(pings == seen.Pings, $"seed {seed}, round {round}: {seen.Pings} of {pings} pings");
        }
    }

    [Fact]
    public void Known_records_are_taken_without_being_looked_for()
    {
        var payload = "abc\x1e" + "abc\x1e" + "other\x1e";
        var seen = new Collector { Known = "abc\x1e"u8.ToArray() };

        new RecordStream().Read(Frame(Opcodes.Text, Encoding.UTF8.GetBytes(payload)), seen);

        Assert.Equal(2, seen.KnownTaken);
        Assert.Equal(["other"], seen.Records);
    }

    [Fact]
    public void A_frame_that_is_not_complete_tells_how_large_it_is()
    {
        var frame = Frame(Opcodes.Text, new byte[70_000]);
        var stream = new RecordStream();

        Assert.Equal(0, stream.Read(frame.AsSpan(0, 100), new Collector()));
        Assert.Equal(70_010, stream.FrameSize);
    }

    [Theory]
    [InlineData(new byte[] { 0xC1, 0x00 })]
    [InlineData(new byte[] { 0x81, 0x80 })]
    [InlineData(new byte[] { 0x89, 126, 0, 200 })]
    [InlineData(new byte[] { 0x81, 127, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0 })]
    public void A_frame_against_the_protocol_is_refused(byte[] frame) =>
        Assert.Throws<InvalidDataException>(() => new RecordStream().Read(frame, new Collector()));

    [Theory]
    [InlineData(0)]
    [InlineData(125)]
    [InlineData(126)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    public void A_masked_frame_reads_back(int length)
    {
        var payload = new byte[length];
        new Random(length).NextBytes(payload);
        var frame = new byte[length + FrameWriter.HeaderMax];

        var written = FrameWriter.Write(frame, Opcodes.Text, payload, 0xA1B2C3D4);

        var header = length switch { < 126 => 2, <= 65_535 => 4, _ => 10 };
        Assert.Equal(header + 4 + length, written);
        Assert.Equal(0x80, frame[1] & 0x80);
        var mask = frame.AsSpan(header, 4).ToArray();
        var unmasked = frame.AsSpan(header + 4, length).ToArray().Select((each, at) => (byte)(each ^ mask[at % 4]));
        Assert.Equal(payload, unmasked);
    }

    private static string Text(Random random, int index) => $"{index}:{new string((char)('a' + (index % 26)), random.Next(0, random.Next(4) == 0 ? 70_000 : 200))}";

    private static byte[] Frames(Random random, byte[] payload, out int pings)
    {
        pings = 0;
        var bytes = new List<byte>();
        for (var at = 0; at < payload.Length;)
        {
            var length = Math.Min(payload.Length - at, random.Next(1, random.Next(3) == 0 ? 100_000 : 300));
            bytes.AddRange(Frame(at == 0 ? Opcodes.Text : Opcodes.Continuation, payload.AsSpan(at, length)));
            at += length;
            if (random.Next(5) == 0)
            {
                bytes.AddRange(Frame(Opcodes.Ping, "ping"u8));
                pings++;
            }
        }

        return [.. bytes];
    }

    private static byte[] Frame(int opcode, ReadOnlySpan<byte> payload)
    {
        byte[] header;
        if (payload.Length < 126)
        {
            header = [(byte)(0x80 | opcode), (byte)payload.Length];
        }
        else if (payload.Length <= 65_535)
        {
            header = [(byte)(0x80 | opcode), 126, 0, 0];
            BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(2), (ushort)payload.Length);
        }
        else
        {
            header = [(byte)(0x80 | opcode), 127, 0, 0, 0, 0, 0, 0, 0, 0];
            BinaryPrimitives.WriteUInt64BigEndian(header.AsSpan(2), (ulong)payload.Length);
        }

        return [.. header, .. payload];
    }

    private static void ReadInPieces(Random random, byte[] bytes, RecordStream stream, Collector seen)
    {
        var buffer = new List<byte>();
        for (var at = 0; at < bytes.Length;)
        {
            var length = Math.Min(bytes.Length - at, random.Next(1, random.Next(2) == 0 ? 7 : 5_000));
            buffer.AddRange(bytes.AsSpan(at, length));
            at += length;
            var consumed = stream.Read(buffer.ToArray(), seen);
            buffer.RemoveRange(0, consumed);
        }

        Assert.Empty(buffer);
    }

    private sealed class Collector : IRecordHandler
    {
        public List<string> Records { get; } = [];

        public int Pings { get; private set; }

        public byte[]? Known { get; init; }

        public int KnownTaken { get; private set; }

        public int TakeKnown(ReadOnlySpan<byte> payload)
        {
            if (Known is null || !payload.StartsWith(Known))
            {
                return 0;
            }

            KnownTaken++;
            return Known.Length;
        }

        public void OnRecord(ReadOnlySpan<byte> record) => Records.Add(Encoding.UTF8.GetString(record));

        public void OnControl(int opcode, ReadOnlySpan<byte> payload) => Pings += opcode == Opcodes.Ping ? 1 : 0;
    }
}
