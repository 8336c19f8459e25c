using System.Net;
using System.Net.Sockets;
using System.Text;
using DChat.Protocol;
using DChat.TestKit;
using static DChat.Server.Tests.Http.ApiClient;

namespace DChat.Server.Tests.Http;

/// <summary>What is at the edge of the API: what there is not, what is malformed, and what anyone may ask.</summary>
public sealed class HttpSurfaceTests : IAsyncLifetime
{
    private InProcessServer _server = null!;
    private ApiClient _api = null!;

    public async Task InitializeAsync()
    {
        _server = await InProcessServer.StartAsync();
        _api = new ApiClient(_server);
    }

    public async Task DisposeAsync()
    {
        _api.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Anyone_may_ask_for_version_limits_and_health()
    {
        var info = await ReadAsync<InfoAnswer>(await _api.GetAsync("/api/info"));
        Assert.Equal((1, "open", 500, 100, 8_000), (info.Protocol, info.Registration, info.Limits.SendBurst, info.Limits.SendsPerSecond, info.Limits.BodyCodePoints));
        Assert.Equal(HttpStatusCode.OK, (await _api.GetAsync("/health/live")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await _api.GetAsync("/health/ready")).StatusCode);
    }

    [Fact]
    public async Task What_there_is_not_is_a_problem_document()
    {
        await RefusedAsync(await _api.GetAsync("/nowhere"), HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await RefusedAsync(await _api.GetAsync("/api/login"), HttpStatusCode.MethodNotAllowed, ErrorCodes.InvalidArgument);
        await RefusedAsync(await _api.PostAsync("/chat/negotiate?negotiateVersion=1"), HttpStatusCode.BadRequest, ErrorCodes.SkipNegotiation);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"user\": 5}")]
    [InlineData("{\"user\": \"a\", \"user\": {}}")]
    [InlineData("\"\\ud800\"")]
    public async Task A_malformed_body_is_an_invalid_argument(string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        await RefusedAsync(await _api.PostAsync("/api/login", content), HttpStatusCode.BadRequest, ErrorCodes.InvalidArgument);
    }

    [Fact]
    public async Task A_body_without_a_content_type_or_too_large_is_refused()
    {
        using var text = new StringContent("user=ann");
        await RefusedAsync(await _api.PostAsync("/api/login", text), HttpStatusCode.UnsupportedMediaType, ErrorCodes.InvalidArgument);
        using var large = new StringContent("{\"user\":\"" + new string('a', 300_000) + "\"}", Encoding.UTF8, "application/json");
        await RefusedAsync(await _api.PostAsync("/api/login", large), HttpStatusCode.RequestEntityTooLarge, ErrorCodes.TooLarge);
    }

    [Fact]
    public async Task What_is_not_http_leaves_no_error_and_no_query_in_the_log()
    {
        _server.Log.Forbid("s3cret");
        foreach (var rubbish in new[] { "GET /?access_token=s3cret HTTP/9.9\r\n\r\n", "\0\0\0\0", "GET  /x?access_token=s3cret", "POST /api/login HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n" })
        {
            using var socket = new TcpClient();
            await socket.ConnectAsync(IPAddress.Loopback, _server.Client.Port).Within();
            await using var stream = socket.GetStream();
            await stream.WriteAsync(Encoding.ASCII.GetBytes(rubbish)).AsTask().Within();
            socket.Client.Shutdown(SocketShutdown.Send);
            await stream.CopyToAsync(Stream.Null).Within();
        }

        Assert.Equal(HttpStatusCode.OK, (await _api.GetAsync("/health/live")).StatusCode);
    }

    [Fact]
    public async Task A_stop_finishes_the_request_that_is_in_flight()
    {
        await using var server = await ServerProcess.StartAsync();
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, server.Client.Port).Within();
        await using var stream = socket.GetStream();
        using var reader = new StreamReader(stream);

        // The web server gives up on bodies that come too slowly; most of this one comes at once, so that its rest may take as long as the stop does.
        var begun = new string(' ', 60_000);
        const string Rest = """{"user":"ann","password":"correct horse battery"}""";
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"POST /api/register HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {begun.Length + Rest.Length}\r\nExpect: 100-continue\r\n\r\n")).AsTask().Within();
        Assert.Equal("HTTP/1.1 100 Continue", await reader.ReadLineAsync().Within());
        await stream.WriteAsync(Encoding.ASCII.GetBytes(begun)).AsTask().Within();

        // The request's handler waits for its body now, and the server is asked to stop.
        var stopped = server.TerminateAsync();
        await Eventually.Holds(async () =>
        {
            using var another = new TcpClient();
            return await another.ConnectAsync(IPAddress.Loopback, server.Client.Port).ContinueWith(attempt => attempt.IsFaulted, TaskScheduler.Default);
        });
        await stream.WriteAsync(Encoding.ASCII.GetBytes(Rest)).AsTask().Within();
        Assert.Equal("", await reader.ReadLineAsync().Within());
        Assert.Equal("HTTP/1.1 201 Created", await reader.ReadLineAsync().Within());
        Assert.Equal(0, await stopped.Within());
    }

    /// <summary>At the most talkative level; the log book fails the test where a token or a query string is in a line.</summary>
    [Fact]
    public async Task No_token_and_no_query_string_reach_the_log()
    {
        await using var server = await ServerProcess.StartAsync(["--log-level", "trace"]);
        using var api = new ApiClient(server.CreateHttpClient(), server.Log);
        server.Log.Forbid(Password);
        var tokens = await api.RegisterAsync("ann");
        await api.GetAsync($"/api/me?access_token={tokens.AccessToken}", tokens.AccessToken);
        await api.GetAsync($"/chat?access_token={tokens.AccessToken}");
        await api.GetAsync($"/nowhere?access_token={tokens.AccessToken}");
        await api.PostAsync("/api/refresh", new RefreshRequest(tokens.RefreshToken));
        Assert.Equal(0, await server.TerminateAsync());
        Assert.NotEmpty(server.Log.Lines);
    }
}
