using System.Globalization;
using System.Net.Sockets;
using System.Text;
using DChat.TestKit;

namespace DChat.Server.Tests.Fuzz;

/// <summary>HTTP requests that nobody should send, byte by byte: methods, paths, headers, bodies, and the hub's upgrade.</summary>
internal sealed class HttpFuzzer(Uri server, Nasty nasty, IReadOnlyList<string> rooms, Func<string> token)
{
    private static readonly string[] Methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "get", "X"];
    private static readonly string[] Types = ["application/json", "application/json; charset=utf-16", "text/plain", "multipart/form-data; boundary=b", "multipart/form-data", "x", ""];

    private static readonly string[] Paths =
    [
        "/api/register", "/api/login", "/api/refresh", "/api/logout", "/api/password", "/api/me", "/api/tokens", "/api/tokens/x", "/api/info", "/health/live", "/health/ready", "/metrics",
        "/api/rooms/ROOM/messages?beforeSeq=3&limit=5", "/api/rooms/ROOM/messages", "/api/rooms/ROOM/files", "/api/files/x", "/api/admin/users/bulk", "/api/admin/users", "/chat", "/chat/negotiate", "/",
    ];

    private readonly byte[] _buffer = new byte[16 * 1024];

    public async Task SendAsync(int count)
    {
        for (var done = 0; done < count; done++)
        {
            var request = nasty.Chance(0.15) ? Upgrade() : Request();
            var answer = await ExchangeAsync(request);
            Assert.False(answer.StartsWith("HTTP/1.1 500", StringComparison.Ordinal), $"{answer}\nwas the answer to\n{Encoding.Latin1.GetString(request)}");
        }
    }

    private byte[] Request()
    {
        var path = nasty.Pick(Paths).Replace("ROOM", nasty.Pick(rooms), StringComparison.Ordinal);
        path = nasty.Random.Next(6) switch { 0 => path + "?limit=" + nasty.Random.NextInt64(), 1 => path + "/%00%ff/..", 2 => path + "?beforeSeq=x&limit=-1", _ => path };
        var body = Body();
        var length = nasty.Random.Next(12) switch { 0 => "-1", 1 => (body.Length + 10).ToString(CultureInfo.InvariantCulture), 2 => "99999999999", _ => body.Length.ToString(CultureInfo.InvariantCulture) };
        var sizing = nasty.Chance(0.1) ? "Transfer-Encoding: chunked\r\n" : $"Content-Length: {length}\r\n";
        var head = $"{nasty.Pick(Methods)} {path} HTTP/1.1\r\nHost: {server.Authority}\r\nContent-Type: {nasty.Pick(Types)}\r\n{Authorization()}{sizing}Connection: close\r\n\r\n";
        byte[] all = [.. nasty.Chance(0.2) ? nasty.Garble(head) : Encoding.UTF8.GetBytes(head), .. body];
        return all;
    }

    private byte[] Upgrade()
    {
        var head = $"GET /chat HTTP/1.1\r\nHost: {server.Authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{Authorization()}\r\n";
        return [.. nasty.Chance(0.8) ? nasty.Garble(head) : Encoding.UTF8.GetBytes(head), .. nasty.Bytes(100)];
    }

    private string Authorization() => nasty.Random.Next(6) switch
    {
        0 => "",
        1 => "Authorization: Bearer x\r\n",
        2 => $"Authorization: {token()}\r\n",
        _ => $"Authorization: Bearer {token()}\r\n",
    };

    private byte[] Body() => nasty.Random.Next(6) switch
    {
        0 => [],
        1 => nasty.Bytes(300),
        2 => Encoding.UTF8.GetBytes("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../a\\u0000.txt\"\r\nContent-Type: text/html\r\n\r\n<script>\r\n--b--\r\n"),
        3 => nasty.Garble("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhello\r\n--b--\r\n"),
        4 => nasty.Garble("""{"body":"hello","clientId":"1"}"""),
        _ => Encoding.UTF8.GetBytes(nasty.Object([("user", "\"nobody\""), ("password", "\"wrong-password-1\""), ("refreshToken", "\"x\""), ("body", "\"hello\""), ("clientId", "\"1\""), ("displayName", "\"d\""), ("name", "\"n\""), ("current", "\"c\""), ("new", "\"n\"")])),
    };

    private async Task<string> ExchangeAsync(byte[] request)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server.Host, server.Port).Within();
        var answer = "";
        try
        {
            await socket.SendAsync(request.AsMemory()).AsTask().Within();
            socket.Shutdown(SocketShutdown.Send);
            while (await socket.ReceiveAsync(_buffer.AsMemory()).AsTask().Within() is var read and > 0)
            {
                if (answer.Length < _buffer.Length)
                {
                    answer += Encoding.Latin1.GetString(_buffer, 0, read);
                }
            }
        }
        catch (SocketException)
        {
            // Reset: the server did not want to read on.
        }

        return answer;
    }
}
