using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using DChat.Protocol;
using DChat.TestKit;

namespace DChat.Server.Tests.Http;

/// <summary>The HTTP API as a script calls it. What it is given in secret may stand in no log.</summary>
internal sealed class ApiClient(HttpClient http, LogBook log) : IDisposable
{
    public const string Password = "correct horse battery";

    public ApiClient(InProcessServer server)
        : this(server.CreateHttpClient(), server.Log)
    {
    }

    public async Task<TokenAnswer> RegisterAsync(string user, string password = Password) =>
        Keep(await ReadAsync<TokenAnswer>(await PostAsync("/api/register", new RegisterRequest(user, password)), HttpStatusCode.Created));

    public async Task<TokenAnswer> LoginAsync(string user, string password = Password) =>
        Keep(await ReadAsync<TokenAnswer>(await PostAsync("/api/login", new LoginRequest(user, password))));

    public Task<HttpResponseMessage> GetAsync(string path, string? token = null) => SendAsync(HttpMethod.Get, path, null, token);

    public Task<HttpResponseMessage> PostAsync(string path, object? body = null, string? token = null) => SendAsync(HttpMethod.Post, path, body, token);

    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, object? body = null, string? token = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = body as HttpContent ?? JsonContent.Create(body, ProtocolJson.Wire.GetTypeInfo(body.GetType())!);
        }

        if (token is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token}");
        }

        return await http.SendAsync(request).Within();
    }

    public static async Task<T> ReadAsync<T>(HttpResponseMessage response, HttpStatusCode expected = HttpStatusCode.OK)
    {
        using (response)
        {
            var text = await response.Content.ReadAsStringAsync().Within();
            Assert.True(response.StatusCode == expected, $"{(int)response.StatusCode} {text}");
            return (T)JsonSerializer.Deserialize(text, ProtocolJson.Wire.GetTypeInfo(typeof(T))!)!;
        }
    }

    /// <summary>It is refused with a problem document that says so.</summary>
    public static async Task<Problem> RefusedAsync(HttpResponseMessage response, HttpStatusCode status, string code)
    {
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        var problem = await ReadAsync<Problem>(response, status);
        Assert.Equal((code, (int)status), (problem.Code, problem.Status));
        return problem;
    }

    public static async Task NoContentAsync(HttpResponseMessage response)
    {
        using (response)
        {
            Assert.True(response.StatusCode == HttpStatusCode.NoContent, await response.Content.ReadAsStringAsync());
        }
    }

    public void Dispose() => http.Dispose();

    private TokenAnswer Keep(TokenAnswer tokens)
    {
        log.Forbid(tokens.AccessToken);
        log.Forbid(tokens.RefreshToken);
        return tokens;
    }
}
