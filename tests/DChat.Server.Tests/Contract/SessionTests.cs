using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using DChat.TestKit;

namespace DChat.Server.Tests.Contract;

/// <summary>The end of a session ends its connections at once, and no others.</summary>
public sealed class SessionTests(ContractServer server) : IClassFixture<ContractServer>
{
    [Fact]
    public async Task Logging_out_ends_the_connections_of_this_session_alone()
    {
        var (tokens, password) = await server.RegisterAsync();
        var elsewhere = await LoginAsync(tokens.User, password);
        await using var ending = await HubProbe.ConnectAsync(server.Address, tokens.AccessToken);
        await using var staying = await HubProbe.ConnectAsync(server.Address, elsewhere);
        using var http = server.HttpOf(tokens.AccessToken);
        Assert.Equal(HttpStatusCode.NoContent, (await http.PostAsync("/api/logout", null)).StatusCode);
        await SignedOutAsync(ending);
        await staying.SyncAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync("/api/me")).StatusCode);
    }

    [Fact]
    public async Task A_new_password_ends_every_other_session()
    {
        var (tokens, password) = await server.RegisterAsync();
        var elsewhere = await LoginAsync(tokens.User, password);
        await using var staying = await HubProbe.ConnectAsync(server.Address, tokens.AccessToken);
        await using var ending = await HubProbe.ConnectAsync(server.Address, elsewhere);
        using var http = server.HttpOf(tokens.AccessToken);
        using var answer = await http.PostAsJsonAsync("/api/password", new { current = password, @new = "a quite different one" });
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        await SignedOutAsync(ending);
        await staying.SyncAsync();
    }

    [Fact]
    public async Task A_new_password_leaves_the_tokens_of_bots()
    {
        var (tokens, password) = await server.RegisterAsync();
        using var http = server.HttpOf(tokens.AccessToken);
        using var made = await http.PostAsJsonAsync("/api/tokens", new { name = "bot" });
        var bot = (string)JsonNode.Parse(await made.EnsureSuccessStatusCode().Content.ReadAsStringAsync())!["token"]!;
        await using var working = await HubProbe.ConnectAsync(server.Address, bot);
        using var answer = await http.PostAsJsonAsync("/api/password", new { current = password, @new = "a quite different one" });
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        await working.SyncAsync();
        await using var again = await HubProbe.ConnectAsync(server.Address, bot);
        await again.SyncAsync();
    }

    [Fact]
    public async Task Disabling_an_account_ends_all_of_it_and_keeps_its_messages()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        await using var second = await ben.ConnectAsync();
        var room = await ann.MakeRoomAsync(ben);
        await ben.Hub.SendAsync(room, "stays");
        using var answer = await server.Admin.PostAsJsonAsync($"/api/admin/users/{ben.Name}/disable", new { reason = "gone" });
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        await SignedOutAsync(ben.Hub);
        await SignedOutAsync(second);
        Assert.Contains("stays", (await ann.Hub.HistoryAsync(room)).Select(message => (string)message["body"]!));
        await Assert.ThrowsAsync<System.Net.WebSockets.WebSocketException>(() => HubProbe.ConnectAsync(server.Address, ben.Token));
    }

    [Fact]
    public async Task Ending_a_bots_token_ends_its_connections()
    {
        var (tokens, _) = await server.RegisterAsync();
        using var http = server.HttpOf(tokens.AccessToken);
        using var made = await http.PostAsJsonAsync("/api/tokens", new { name = "echo" });
        var token = (await made.Content.ReadFromJsonAsync<JsonNode>())!;
        await using var bot = await HubProbe.ConnectAsync(server.Address, (string)token["token"]!);
        Assert.Equal(tokens.User, (string)(await bot.SyncAsync())["me"]!["user"]!);
        await using var person = await HubProbe.ConnectAsync(server.Address, tokens.AccessToken);
        Assert.Equal(HttpStatusCode.NoContent, (await http.DeleteAsync($"/api/tokens/{(string)token["id"]!}")).StatusCode);
        await SignedOutAsync(bot);
        await person.SyncAsync();
    }

    [Fact]
    public async Task A_session_that_ends_while_it_connects_does_not_stay_connected()
    {
        var (tokens, _) = await server.RegisterAsync();
        using var http = server.HttpOf(tokens.AccessToken);
        for (var round = 0; round < 30; round++)
        {
            using var made = await http.PostAsJsonAsync("/api/tokens", new { name = "short-lived" });
            var token = (await made.Content.ReadFromJsonAsync<JsonNode>())!;
            var connecting = HubProbe.ConnectAsync(server.Address, (string)token["token"]!);
            await http.DeleteAsync($"/api/tokens/{(string)token["id"]!}");
            try
            {
                await using var hub = await connecting;
                await hub.Closed.Within();
            }
            catch (Exception e) when (e is System.Net.WebSockets.WebSocketException or InvalidOperationException)
            {
                // It was refused, or closed before its handshake was answered.
            }
        }
    }

    [Fact]
    public async Task Closing_an_account_signs_out_and_removes_it_from_its_rooms()
    {
        var (tokens, password) = await server.RegisterAsync();
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        await using var leaving = await HubProbe.ConnectAsync(server.Address, tokens.AccessToken);
        await leaving.CallAsync("joinRoom", new { room });
        await leaving.SendAsync(room, "farewell");
        using var http = server.HttpOf(tokens.AccessToken);
        using var request = new HttpRequestMessage(HttpMethod.Delete, "/api/me") { Content = JsonContent.Create(new { password }) };
        Assert.Equal(HttpStatusCode.NoContent, (await http.SendAsync(request)).StatusCode);
        await SignedOutAsync(leaving);
        Assert.Equal([ann.Name], (await ann.Hub.CallAsync("members", new { room }))!["members"]!.AsArray().Select(member => (string)member!["user"]!));
        Assert.Contains((await ann.Hub.HistoryAsync(room)), message => (string)message["author"]! == tokens.User && (string)message["body"]! == "farewell");
    }

    [Fact]
    public async Task A_server_that_stops_asks_its_clients_to_connect_again()
    {
        HubProbe hub;
        await using (var stopping = await OwnServer.StartAsync(options => options))
        {
            hub = await HubProbe.ConnectAsync(stopping.Address, (await stopping.AccountAsync()).Token);
        }

        await using (hub)
        {
            var asked = await hub.NextAsync("reconnect");
            Chat.HasShape(asked, "afterMs");
            Assert.InRange((long)asked["afterMs"]!, 0, 10_000);
            await hub.Closed.Within();
            Assert.Contains("\"allowReconnect\":true", hub.CloseRecord, StringComparison.Ordinal);
        }
    }

    /// <summary>The last word waits for a client that does not read; what that client calls meanwhile is not done.</summary>
    [Fact]
    public async Task Whoever_is_signed_out_and_does_not_read_calls_nothing_any_more()
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        var (tokens, _) = await server.RegisterAsync();
        await using var stubborn = await PausingClient.ConnectAsync(server.Address, tokens.AccessToken);
        await stubborn.CallAsync("1", "joinRoom", new JsonObject { ["room"] = room });
        await stubborn.CallAsync("2", "subscribe", new JsonObject { ["room"] = room });
        while ((string?)(await stubborn.ReadAsync())["invocationId"] != "2")
        {
            // Until it is subscribed; then it reads no more.
        }

        var body = new string('x', 8_000);
        for (var i = 0; i < 100; i++)
        {
            await Task.WhenAll(Enumerable.Range(0, 10).Select(n => ann.Hub.BeginCall("send", new { room, clientId = $"{i}-{n}", body }))).Within();
        }

        using var http = server.HttpOf(tokens.AccessToken);
        Assert.Equal(HttpStatusCode.NoContent, (await http.PostAsync("/api/logout", null)).StatusCode);
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await stubborn.CallAsync("3", "send", new JsonObject { ["room"] = room, ["clientId"] = "late", ["body"] = "after the end" });
            while (true)
            {
                await stubborn.ReadAsync();
            }
        });
        Assert.DoesNotContain("after the end", (await ann.Hub.HistoryAsync(room)).Select(message => (string)message["body"]!));
    }

    private async Task<string> LoginAsync(string user, string password)
    {
        using var http = server.Server.CreateHttpClient();
        using var answer = await http.PostAsJsonAsync("/api/login", new { user, password });
        return (string)(await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonNode>())!["accessToken"]!;
    }

    private static async Task SignedOutAsync(HubProbe hub)
    {
        var told = await hub.NextAsync("signedOut");
        Chat.HasShape(told, "reason");
        await hub.Closed.Within();
    }
}
