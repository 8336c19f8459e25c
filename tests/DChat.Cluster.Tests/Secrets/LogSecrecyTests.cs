using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Secrets;

/// <summary>Whatever clients do, and at the most talkative level, no token, password or query string reaches the log.</summary>
public sealed class LogSecrecyTests
{
    private const string Password = "a-password-nobody-would-guess-8271";
    private const string WrongPassword = "a-password-that-is-wrong-5533";
    private const string InUrl = "5ecret-in-a-query-string";

    [Theory]
    [InlineData("text")]
    [InlineData("json")]
    public async Task No_token_password_or_query_string_is_logged(string format)
    {
        await using var server = await ServerProcess.StartAsync(["--log-level", "trace", "--log-format", format, "--limits-login-attempts-per-account", "2"]);
        Forbid(server, Password, WrongPassword, InUrl, "access_token", "?");
        using var http = server.CreateHttpClient();
        var tokens = await SignInAsync(server, http);
        await UseHubAsync(server, tokens.Access);
        await UseFilesAsync(server, http, tokens.Access);
        await FailAsync(http, tokens.Access);
        using var logout = await SendAsync(http, HttpMethod.Post, "/api/logout", tokens.Access);
        Assert.Equal(HttpStatusCode.NoContent, logout.StatusCode);
        await Assert.ThrowsAnyAsync<Exception>(() => HubProbe.ConnectAsync(server.Client, tokens.Access, tokenInQuery: true));
        Assert.Equal(0, await server.TerminateAsync());
        Assert.NotEmpty(server.Log.Lines);
        server.Log.AssertClean();
    }

    private static async Task<(string Access, string Refresh)> SignInAsync(ServerProcess server, HttpClient http)
    {
        using var made = await http.PostAsJsonAsync("/api/register", new { user = "alice", password = Password });
        made.EnsureSuccessStatusCode();
        await ForbidTokensAsync(server, made);
        for (var i = 0; i < 4; i++)
        {
            using var wrong = await http.PostAsJsonAsync("/api/login?password=" + InUrl, new { user = "alice", password = WrongPassword });
            Assert.False(wrong.IsSuccessStatusCode);
        }

        using var login = await http.PostAsJsonAsync("/api/register", new { user = "bob", password = Password });
        var (access, refresh) = await ForbidTokensAsync(server, login);
        using var refreshed = await http.PostAsJsonAsync("/api/refresh", new { refreshToken = refresh });
        refreshed.EnsureSuccessStatusCode();
        await ForbidTokensAsync(server, refreshed);
        using var bad = await http.PostAsJsonAsync("/api/refresh", new { refreshToken = refresh + "x" });
        Assert.Equal(HttpStatusCode.Unauthorized, bad.StatusCode);
        using var bot = await SendAsync(http, HttpMethod.Post, "/api/tokens?name=" + InUrl, access, JsonContent.Create(new { name = "a bot" }));
        bot.EnsureSuccessStatusCode();
        var token = (string)(await bot.Content.ReadFromJsonAsync<JsonNode>())!["token"]!;
        Forbid(server, token);
        await UseHubAsync(server, token);
        return (access, refresh);
    }

    private static async Task UseHubAsync(ServerProcess server, string token)
    {
        await using var probe = await HubProbe.ConnectAsync(server.Client, token, tokenInQuery: true);
        await probe.CallAsync("sync", new { });
        var room = (string)(await probe.CallAsync("createRoom", new { name = "room of " + token[^6..], visibility = "public", password = Password }))!["id"]!;
        await probe.FailAsync("joinRoom", new { room = "no such room?", password = WrongPassword });
        await probe.CallAsync("send", new { room, clientId = "1", body = "hello" });
        await probe.FailAsync("send", new { room = "?access_token=" + token, clientId = "1", body = "hello" });
        await probe.SendRecordAsync("""{"type":1,"target":"nothing","invocationId":"x","arguments":[{"password":""" + $"\"{Password}\"" + "}]}");
        await probe.SendRecordAsync("{ not json: " + token);
        await probe.Closed.Within();
        await Assert.ThrowsAnyAsync<Exception>(() => HubProbe.ConnectAsync(server.Client, token + "x", tokenInQuery: true));
    }

    private static async Task UseFilesAsync(ServerProcess server, HttpClient http, string token)
    {
        await using var probe = await HubProbe.ConnectAsync(server.Client, token);
        var room = (string)(await probe.CallAsync("createRoom", new { name = "files", visibility = "private" }))!["id"]!;
        using var form = new MultipartFormDataContent { { new ByteArrayContent([1, 2, 3]), "file", "a?b.bin" } };
        using var uploaded = await SendAsync(http, HttpMethod.Post, $"/api/rooms/{room}/files?x={InUrl}", token, form);
        uploaded.EnsureSuccessStatusCode();
        var id = (string)(await uploaded.Content.ReadFromJsonAsync<JsonNode>())!["id"]!;
        using var file = await SendAsync(http, HttpMethod.Get, $"/api/files/{id}?access_token={InUrl}", token);
        file.EnsureSuccessStatusCode();
    }

    private static async Task FailAsync(HttpClient http, string token)
    {
        foreach (var path in new[] { "/", "/chat", "/nothing", "/api/me", "/api/rooms/x/messages", "/api/files/%00", "/chat/negotiate" })
        {
            foreach (var method in new[] { HttpMethod.Get, HttpMethod.Post, HttpMethod.Options })
            {
                using var answer = await SendAsync(http, method, $"{path}?access_token={token}", token + "x", method == HttpMethod.Post ? new StringContent(Password) : null);
                Assert.NotEqual(HttpStatusCode.InternalServerError, answer.StatusCode);
            }
        }
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient http, HttpMethod method, string path, string token, HttpContent? content = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content, Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) } };
        return await http.SendAsync(request);
    }

    private static async Task<(string Access, string Refresh)> ForbidTokensAsync(ServerProcess server, HttpResponseMessage answer)
    {
        var tokens = (await answer.Content.ReadFromJsonAsync<JsonNode>())!;
        var (access, refresh) = ((string)tokens["accessToken"]!, (string)tokens["refreshToken"]!);
        Forbid(server, access, refresh);
        return (access, refresh);
    }

    private static void Forbid(ServerProcess server, params string[] secrets)
    {
        foreach (var secret in secrets)
        {
            server.Log.Forbid(secret);
        }
    }
}
