using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using DChat.Protocol;
using DChat.TestKit;

namespace DChat.Server.Tests.Fuzz;

/// <summary>Clients of the hub that send what no client should: calls, records and frames.</summary>
internal sealed partial class HubFuzzer(Uri server, Nasty nasty, HubCalls calls, Func<string> token)
{
    private const int CallsAtOnce = 50;
    private const int RecordsAtOnce = 8;
    private const string Handshake = """{"protocol":"json","version":1}""";

    private static readonly int[] Lengths = [0, 1, 125, 126, 127, 65_535, 65_536, int.MaxValue];

    /// <summary>Calls that are records: each gets exactly one answer, and the connection stays.</summary>
    public async Task CallAsync(int count)
    {
        RawWebSocket? socket = null;
        for (var done = 0; done < count; done += CallsAtOnce)
        {
            socket ??= await OpenAsync();
            var bytes = new List<byte>();
            var open = new HashSet<string>(StringComparer.Ordinal);
            for (var i = 0; i < CallsAtOnce; i++)
            {
                var id = nasty.Chance(0.05) ? null : $"{done}-{i}";
                bytes.AddRange(RawWebSocket.Record(calls.Next(id)));
                if (id is not null)
                {
                    open.Add(id);
                }
            }

            await socket.SendAsync(bytes.ToArray());
            while (open.Count > 0)
            {
                var record = await ReadAsync(socket);
                Assert.True(record is not null && (int?)record["type"] != 7, "a call ended the connection: " + record?.ToJsonString());
                if ((int?)record!["type"] == 3)
                {
                    Assert.True(open.Remove((string)record["invocationId"]!), "a call was answered twice: " + record);
                    CheckError((string?)record["error"]);
                }
            }
        }

        socket?.Dispose();
    }

    /// <summary>Records that are garbled, or no hub records at all: the connection may end, its neighbours must not notice.</summary>
    public async Task SendRecordsAsync(int count)
    {
        for (var done = 0; done < count;)
        {
            using var socket = await OpenAsync();
            for (var i = 0; i < RecordsAtOnce; i++)
            {
                await TrySendAsync(socket, RawWebSocket.Frame([.. Record(), RawWebSocket.Separator]));
            }

            // Where the connection ended, only the record that ended it surely counts.
            done += await DrainAsync(socket) ? 1 : RecordsAtOnce;
        }
    }

    /// <summary>Frames with wrong opcodes, masks, lengths, fragments and close codes, and bytes that are no frames.</summary>
    public async Task SendFramesAsync(int count)
    {
        for (var done = 0; done < count; done++)
        {
            using var socket = await OpenAsync(nasty.Chance(0.9));
            await TrySendAsync(socket, Frames());
            await DrainAsync(socket);
        }
    }

    private byte[] Record() => nasty.Random.Next(8) switch
    {
        0 => nasty.Bytes(200),
        1 => Encoding.UTF8.GetBytes(nasty.Value()),
        2 => Encoding.UTF8.GetBytes($"{{\"type\":{nasty.Value()},\"invocationId\":{nasty.Value()},\"target\":{nasty.Value()},\"arguments\":{nasty.Value()}}}"),
        3 => Encoding.UTF8.GetBytes($"{{\"type\":{nasty.Random.Next(-1, 10)},\"invocationId\":\"1\",\"item\":{nasty.Value()},\"error\":{nasty.Value()},\"headers\":{nasty.Value()}}}"),
        4 => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"a\":[", nasty.Random.Next(2_000)))),
        5 => Encoding.UTF8.GetBytes(nasty.Object([("type", "1"), ("invocationId", "\"1\""), ("target", "\"send\""), ("arguments", "[{}]"), ("streamIds", "[]")])),
        _ => nasty.Garble(calls.Next("1")),
    };

    private byte[] Frames() => nasty.Random.Next(9) switch
    {
        0 => nasty.Bytes(300),
        1 => RawWebSocket.Frame(nasty.Bytes(300), nasty.Random.Next(16), nasty.Chance(0.5)),
        2 => WithLength(nasty.Pick(Lengths)),
        3 => Unmasked(),
        4 => Fragments(),
        5 => RawWebSocket.Frame([(byte)nasty.Random.Next(256), (byte)nasty.Random.Next(256), .. nasty.Bytes(140)], RawWebSocket.Close),
        6 => [.. RawWebSocket.Frame(nasty.Bytes(140), 9), .. RawWebSocket.Frame(nasty.Bytes(140), 10), .. RawWebSocket.Record(calls.Next("1"))],
        7 when nasty.Chance(0.02) => RawWebSocket.Frame(new byte[nasty.Random.Next(ProtocolLimits.HubCallBytesMax + 2_000)]),
        _ => nasty.Garble(Encoding.Latin1.GetString(RawWebSocket.Record(calls.Next("1")))),
    };

    private byte[] WithLength(int length)
    {
        var header = new byte[14];
        header[0] = 0x81;
        header[1] = 0xff;
        BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(2), nasty.Chance(0.3) ? nasty.Random.NextInt64(long.MinValue, long.MaxValue) : length);
        return [.. header, .. nasty.Bytes(200)];
    }

    private byte[] Unmasked()
    {
        var payload = Encoding.UTF8.GetBytes("""{"type":6}""" + (char)RawWebSocket.Separator);
        return [0x81, (byte)payload.Length, .. payload];
    }

    private byte[] Fragments()
    {
        var record = Encoding.UTF8.GetBytes(calls.Next("1") + (char)RawWebSocket.Separator);
        var cut = nasty.Random.Next(record.Length);
        return
        [
            .. RawWebSocket.Frame(record.AsSpan(0, cut), nasty.Pick([0, 1, 2]), final: nasty.Chance(0.2)),
            .. RawWebSocket.Frame(nasty.Bytes(20), nasty.Pick([0, 1, 8, 9, 10]), final: nasty.Chance(0.8)),
            .. RawWebSocket.Frame(record.AsSpan(cut), nasty.Pick([0, 0, 0, 1]), final: nasty.Chance(0.8)),
        ];
    }

    private async Task<RawWebSocket> OpenAsync(bool shakeHands = true)
    {
        var socket = await RawWebSocket.ConnectAsync(server, token());
        if (shakeHands)
        {
            await socket.SendAsync(RawWebSocket.Record(Handshake));
        }

        return socket;
    }

    /// <summary>Says that nothing more comes, and reads to the end.</summary>
    /// <returns>Whether the server had ended the connection by itself: it said so, or closed before all was taken.</returns>
    private static async Task<bool> DrainAsync(RawWebSocket socket)
    {
        socket.EndSending();
        var ended = false;
        while (await socket.ReadFrameAsync() is { } frame)
        {
            ended |= frame.Opcode == RawWebSocket.Close;
        }

        return ended;
    }

    private static async Task TrySendAsync(RawWebSocket socket, byte[] bytes)
    {
        try
        {
            await socket.SendAsync(bytes);
        }
        catch (System.Net.Sockets.SocketException)
        {
            // The server has ended the connection already.
        }
    }

    /// <summary>The next record; null where the connection has ended.</summary>
    private static async Task<JsonNode?> ReadAsync(RawWebSocket socket)
    {
        while (await socket.ReadFrameAsync() is { } frame)
        {
            if (frame.Opcode == RawWebSocket.Text && frame.Payload is [.. var json, RawWebSocket.Separator] && json is not [(byte)'{', (byte)'}'])
            {
                return JsonNode.Parse(json);
            }
        }

        return null;
    }

    private static void CheckError(string? error) =>
        Assert.True(error is null || HubError.TryParse(error) is not null || DoesNotBind().IsMatch(error), "an error without a code: " + error);

    [GeneratedRegex("InvalidDataException: |Method does not exist", RegexOptions.CultureInvariant)]
    private static partial Regex DoesNotBind();
}
