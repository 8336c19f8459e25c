using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using DChat.Protocol;
using DChat.Server.Coordinator;
using DChat.Server.Security;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Contract;

/// <summary>Getting a connection, and what a call must be to bind.</summary>
public sealed class ConnectionTests(ContractServer server) : IClassFixture<ContractServer>
{
    private const char Separator = '\u001e';

    [Fact]
    public async Task Negotiation_is_answered_skip_negotiation()
    {
        using var http = server.Server.CreateHttpClient();
        using var answer = await http.PostAsync("/chat/negotiate?negotiateVersion=1", null);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        Assert.Equal("skip_negotiation", (string)(await answer.Content.ReadFromJsonAsync<JsonNode>())!["code"]!);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("nonsense")]
    public async Task Without_a_valid_token_there_is_no_connection(string? token)
    {
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        if (token is not null)
        {
            socket.Options.SetRequestHeader("Authorization", "Bearer " + token);
        }

        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(HubAddress(), default).Within());
        Assert.Equal(HttpStatusCode.Unauthorized, socket.HttpStatusCode);
    }

    [Fact]
    public async Task A_token_that_is_ahead_of_the_servers_registry_is_worth_a_retry()
    {
        var (name, _) = await server.AccountAsync();
        var services = server.Server.Services;
        var later = services.GetRequiredService<RegistryReplica>().Index + 1_000_000;
        var token = services.GetRequiredService<SessionTokens>().IssueAccess(name, SessionTokens.NewSessionId(), later, TimeSpan.FromHours(1));
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        socket.Options.SetRequestHeader("Authorization", "Bearer " + token);
        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(HubAddress(), default).Within());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, socket.HttpStatusCode);
        Assert.Contains("Retry-After", socket.HttpResponseHeaders!.Keys, StringComparer.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_browser_gives_its_token_in_the_query()
    {
        var (name, token) = await server.AccountAsync();
        await using var hub = await HubProbe.ConnectAsync(server.Address, token, tokenInQuery: true);
        Assert.Equal(name, (string)(await hub.SyncAsync())["me"]!["user"]!);
        server.Server.Log.Forbid(token);
    }

    [Fact]
    public async Task A_plain_request_is_told_that_it_takes_a_web_socket()
    {
        using var http = server.HttpOf((await server.AccountAsync()).Token);
        using var answer = await http.GetAsync("/chat");
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("invalid_argument", (string)(await answer.Content.ReadFromJsonAsync<JsonNode>())!["code"]!);
    }

    [Theory]
    [InlineData("""{"protocol":"messagepack","version":1}""")]
    [InlineData("""{"protocol":"json","version":9}""")]
    [InlineData("""{"protocol":"json","version":"1"}""")]
    [InlineData("""{"type":6}""")]
    [InlineData("""{"protocol":{},"version":1}""")]
    [InlineData("hello")]
    [InlineData("[]")]
    [InlineData("")]
    public async Task A_handshake_that_is_none_is_answered_with_an_error_and_closed(string handshake)
    {
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Authorization", "Bearer " + (await server.AccountAsync()).Token);
        await socket.ConnectAsync(HubAddress(), default).Within();
        await socket.SendAsync(Encoding.UTF8.GetBytes(handshake + Separator).AsMemory(), WebSocketMessageType.Text, true, default).AsTask().Within();
        var buffer = new byte[1024];
        var read = await socket.ReceiveAsync(buffer.AsMemory(), default).AsTask().Within();
        var record = JsonNode.Parse(Encoding.UTF8.GetString(buffer, 0, read.Count).TrimEnd(Separator));
        Chat.HasShape(record, "error");
        Assert.Equal(WebSocketMessageType.Close, (await socket.ReceiveAsync(buffer.AsMemory(), default).AsTask().Within()).MessageType);
    }

    [Theory]
    [InlineData("noSuchMethod", "[{}]", "Method does not exist")]
    [InlineData("aMethodWithANameThatIsMuchLongerThanTheNameOfAnyMethodThatThereIsOrWillEverBe", "[{}]", "Method does not exist")]
    [InlineData("sync", "[]", "0 argument(s)")]
    [InlineData("sync", "[{},{}]", "2 argument(s)")]
    [InlineData("sync", "[null]", "binding arguments")]
    [InlineData("sync", "[1]", "binding arguments")]
    [InlineData("sync", "[\"text\"]", "binding arguments")]
    [InlineData("sync", "[[]]", "binding arguments")]
    [InlineData("sync", """[{"revs":{"room":"1"}}]""", "binding arguments")]
    [InlineData("subscribe", """[{"room":"x","afterRev":"7"}]""", "binding arguments")]
    [InlineData("send", """[{"room":1,"clientId":"c","body":"b"}]""", "binding arguments")]
    [InlineData("send", """[{"room":"x","clientId":"c","body":"b","files":"f"}]""", "binding arguments")]
    [InlineData("send", """[{"room":"x","clientId":"c","body":"\ud800"}]""", "binding arguments")]
    [InlineData("edit", """[{"room":"x","clientId":"c","seq":1.5,"body":"b"}]""", "binding arguments")]
    [InlineData("react", """[{"room":"x","clientId":"c","seq":1,"emoji":"x","on":"yes"}]""", "binding arguments")]
    [InlineData("history", """[{"room":"x","limit":99999999999}]""", "binding arguments")]
    public async Task What_does_not_bind_is_refused_without_a_code_and_the_connection_lives_on(string method, string arguments, string why)
    {
        await using var ann = await server.PersonAsync();
        var refused = await CallRawAsync(ann.Hub, method, arguments);
        Assert.Null(refused.Error);
        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
        await ann.Hub.SyncAsync();
    }

    [Fact]
    public async Task Names_of_methods_are_compared_without_case_and_unknown_properties_are_ignored()
    {
        await using var ann = await server.PersonAsync();
        Assert.NotNull(await ann.Hub.CallAsync("SYNC", new { revs = new { }, later = new { version = 2 } }));
    }

    [Fact]
    public async Task A_call_that_binds_but_says_nothing_is_answered_with_a_code()
    {
        await using var ann = await server.PersonAsync();
        foreach (var method in new[] { HubMethods.Subscribe, HubMethods.Unsubscribe, HubMethods.JoinRoom, HubMethods.Members, HubMethods.Bans, HubMethods.SetRole, HubMethods.Send, HubMethods.Edit, HubMethods.Delete, HubMethods.React, HubMethods.History, HubMethods.Search, HubMethods.MarkRead, HubMethods.Typing, HubMethods.SetPresence, HubMethods.CreateRoom })
        {
            await ann.Hub.RefusesAsync("invalid_argument", method, new { });
        }

        foreach (var method in new[] { HubMethods.LeaveRoom, HubMethods.UpdateRoom, HubMethods.DeleteRoom, HubMethods.Invite, HubMethods.Kick, HubMethods.Ban, HubMethods.Unban, HubMethods.Mute, HubMethods.OpenDirect })
        {
            await ann.Hub.RefusesAsync("not_found", method, new { });
        }
    }

    [Fact]
    public async Task Pings_calls_without_an_id_and_records_of_a_later_version_are_taken()
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        await ann.Hub.SubscribeAsync(room);
        await ann.Hub.SendRecordAsync("""{"type":6}""");
        await ann.Hub.SendRecordAsync("""{"type":99,"something":[1,{"new":null}]}""");
        await ann.Hub.SendRecordAsync($$"""{"type":1,"target":"send","arguments":[{"room":"{{room}}","clientId":"c","body":"no answer wanted"}]}""");
        await ann.Hub.NextPostAsync(room, "no answer wanted");
    }

    [Fact]
    public async Task Too_large_a_call_closes_that_connection_and_no_other()
    {
        await using var ann = await server.PersonAsync();
        await using var other = await ann.ConnectAsync();
        var body = new string('x', ProtocolLimits.HubCallBytesMax);
        await ann.Hub.SendRecordAsync($$"""{"type":1,"invocationId":"1","target":"send","arguments":[{"body":"{{body}}"}]}""");
        await ann.Hub.Closed.Within();
        Assert.Contains("larger than", ann.Hub.CloseRecord, StringComparison.Ordinal);
        await other.SyncAsync();
    }

    [Fact]
    public async Task The_close_frame_says_whether_a_call_was_too_large_or_the_protocol_was_broken()
    {
        var (_, token) = await server.AccountAsync();
        var large = RawWebSocket.Record($$"""{"type":1,"target":"send","arguments":[{"body":"{{new string('x', ProtocolLimits.HubCallBytesMax)}}"}]}""");
        Assert.Equal(1009, await CloseCodeAsync(token, large));
        Assert.Equal(1002, await CloseCodeAsync(token, RawWebSocket.Frame("?"u8, opcode: 5)));
        Assert.Equal(1000, await CloseCodeAsync(token, RawWebSocket.Record("this is no JSON")));
    }

    private async Task<int> CloseCodeAsync(string token, byte[] bad)
    {
        using var socket = await RawWebSocket.ConnectAsync(server.Address, token);
        await socket.SendAsync(RawWebSocket.Record("""{"protocol":"json","version":1}"""));
        await socket.SendAsync(bad);
        while (true)
        {
            var (opcode, payload) = await socket.ReadFrameAsync() ?? throw new IOException("the connection ended without a close frame");
            if (opcode == RawWebSocket.Close)
            {
                return (payload[0] << 8) | payload[1];
            }
        }
    }

    [Theory]
    [InlineData("this is no JSON")]
    [InlineData("""{"type":1,"target":""")]
    [InlineData("""[1]""")]
    public async Task A_record_that_is_none_closes_that_connection_and_no_other(string record)
    {
        await using var ann = await server.PersonAsync();
        await using var other = await ann.ConnectAsync();
        await ann.Hub.SendRecordAsync(record);
        await ann.Hub.Closed.Within();
        Assert.Contains("error", ann.Hub.CloseRecord, StringComparison.Ordinal);
        await other.SyncAsync();
    }

    /// <summary>Calls with arguments as they are written; the call must fail.</summary>
    private static async Task<HubCallFailedException> CallRawAsync(HubProbe hub, string method, string arguments)
    {
        const string Id = "raw";
        var refused = hub.Expect(Id);
        await hub.SendRecordAsync($$"""{"type":1,"invocationId":"{{Id}}","target":"{{method}}","arguments":{{arguments}}}""");
        return await Assert.ThrowsAsync<HubCallFailedException>(() => refused.Within());
    }

    private Uri HubAddress() => new UriBuilder(server.Address) { Scheme = "ws", Path = ProtocolVersion.HubPath }.Uri;
}
