using System.Buffers;
using System.Text;
using DChat.Server.Worker.Transport;

namespace DChat.Server.Tests.Worker;

public sealed class UpgradeRequestTests
{
    private const string Good =
        "GET /chat?access_token=abc%2Bd HTTP/1.1\r\nHost: localhost:8080\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://x\r\n\r\n";

    [Fact]
    public void A_plain_request_is_taken_with_its_token_and_what_follows_is_left()
    {
        var request = Read(Good + "\u0081rest", out _);

        Assert.NotNull(request);
        Assert.Equal("dGhlIHNhbXBsZSBub25jZQ==", request.Key);
        Assert.Equal("abc+d", request.Token);
        Assert.Equal(Good.Length, request.HeadBytes);
    }

    [Fact]
    public void The_header_beats_the_query()
    {
        var request = Read(Good.Replace("Origin: http://x", "Authorization: bearer  xyz", StringComparison.Ordinal), out _);
        Assert.Equal("xyz", request?.Token);
    }

    [Fact]
    public void Every_true_prefix_asks_for_more()
    {
        for (var length = 0; length < Good.Length; length++)
        {
            Assert.Null(Read(Good[..length], out var needsMore));
            Assert.True(needsMore, $"after {length} bytes");
        }
    }

    [Theory]
    [InlineData("GET /chat", "GET /chatter")]
    [InlineData("GET /chat", "GET /api/info")]
    [InlineData("GET", "POST")]
    [InlineData("HTTP/1.1", "HTTP/1.0")]
    [InlineData("WebSocket\r\n", "h2c\r\n")]
    [InlineData("keep-alive, Upgrade", "keep-alive")]
    [InlineData("Version: 13", "Version: 8")]
    [InlineData("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=")]
    [InlineData("dGhlIHNhbXBsZSBub25jZQ==", "****************========")]
    [InlineData("Origin: http://x", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")]
    [InlineData("Origin: http://x", "Content-Length: 5")]
    [InlineData("Origin: http://x", "Transfer-Encoding: chunked")]
    [InlineData("Origin: http://x", "X-Forwarded-For: 1.2.3.4")]
    [InlineData("Origin: http://x", "Authorization: Basic abcdef")]
    [InlineData("Origin: http://x", "Origin : http://x")]
    [InlineData("Origin: http://x", " folded")]
    [InlineData("Origin: http://x", "no colon")]
    [InlineData("Host: localhost:8080\r\n", "")]
    public void Whatever_is_in_doubt_is_left_to_the_web_server(string part, string instead)
    {
        var request = Read(Good.Replace(part, instead, StringComparison.Ordinal), out var needsMore);
        Assert.Null(request);
        Assert.False(needsMore);
    }

    [Fact]
    public void A_head_without_end_is_not_waited_for()
    {
        var text = Good[..^2] + "X: " + new string('x', UpgradeRequest.HeadBytesMax);
        Assert.Null(Read(text, out var needsMore));
        Assert.False(needsMore);
    }

    private static UpgradeRequest? Read(string text, out bool needsMore) =>
        UpgradeRequest.TryRead(new ReadOnlySequence<byte>(Encoding.Latin1.GetBytes(text)), "/chat"u8, out needsMore);
}
