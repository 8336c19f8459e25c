using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using DChat.Protocol;
using DChat.Server.Nodes;

namespace DChat.Server.Cli.Administration;

/// <summary>A worker's HTTP API, as an administrator signed in.</summary>
internal sealed class AdminClient : IDisposable
{
    private const int CopyBytes = 64 * 1024;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);

    /// <summary>An answer of which nothing came for so long is given up.</summary>
    private static readonly TimeSpan SilenceMax = TimeSpan.FromSeconds(30);

    private readonly HttpClient _http;
    private readonly string _user;
    private readonly string _password;

    public AdminClient(Uri server, string user, string password)
    {
        _http = new HttpClient { BaseAddress = server, Timeout = Limit };
        (_user, _password) = (user, password);
    }

    /// <exception cref="AdminException">It cannot be reached, or does not let this account in.</exception>
    public async Task SignInAsync(CancellationToken cancellation)
    {
        using var content = JsonContent.Create(new LoginRequest(_user, _password), ProtocolJson.Wire.LoginRequest);
        var tokens = await SendAsync(HttpMethod.Post, "api/login", content, ProtocolJson.Wire.TokenAnswer, cancellation);
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", tokens.AccessToken);
    }

    public Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellation) => SendAsync(HttpMethod.Get, path, null, type, cancellation);

    public async Task<TAnswer> PostAsync<T, TAnswer>(string path, T body, JsonTypeInfo<T> type, JsonTypeInfo<TAnswer> answer, CancellationToken cancellation)
    {
        using var content = JsonContent.Create(body, type);
        return await SendAsync(HttpMethod.Post, path, content, answer, cancellation);
    }

    public async Task PostAsync<T>(string path, T body, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        using var content = JsonContent.Create(body, type);
        using var _ = await SendAsync(HttpMethod.Post, path, content, cancellation);
    }

    public async Task DoAsync(HttpMethod method, string path, CancellationToken cancellation)
    {
        using var _ = await SendAsync(method, path, null, cancellation);
    }

    /// <summary>Copies what is answered, however long it is.</summary>
    /// <exception cref="IOException">The connection broke off, or nothing came for <paramref name="silenceMax"/>.</exception>
    public async Task CopyAsync(string path, Stream output, CancellationToken cancellation, TimeSpan? silenceMax = null)
    {
        using var answer = await SendAsync(HttpMethod.Get, path, null, cancellation);
        await using var content = await answer.Content.ReadAsStreamAsync(cancellation);
        var limit = silenceMax ?? SilenceMax;
        var buffer = new byte[CopyBytes];
        while (await ReadAsync(content, buffer, limit, cancellation) is > 0 and var read)
        {
            await output.WriteAsync(buffer.AsMemory(0, read), cancellation);
        }
    }

    public void Dispose() => _http.Dispose();

    private static async Task<int> ReadAsync(Stream content, byte[] buffer, TimeSpan limit, CancellationToken cancellation)
    {
        using var silent = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        silent.CancelAfter(limit);
        try
        {
            return await content.ReadAsync(buffer, silent.Token);
        }
        catch (OperationCanceledException silence) when (!cancellation.IsCancellationRequested)
        {
            throw new IOException($"nothing came for {limit.TotalSeconds:0.#} s", silence);
        }
    }

    private async Task<T> SendAsync<T>(HttpMethod method, string path, HttpContent? content, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        using var answer = await SendAsync(method, path, content, cancellation);
        try
        {
            return await answer.Content.ReadFromJsonAsync(type, cancellation) ?? throw new AdminException($"{_http.BaseAddress}{path} answered nothing");
        }
        catch (Exception failure) when (failure is IOException or HttpRequestException or JsonException)
        {
            throw new AdminException($"the answer of {_http.BaseAddress}{path} is not whole: {failure.Message}", failure);
        }
    }

    /// <param name="maySignIn">Whether a token that is refused is replaced, once.</param>
    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content, CancellationToken cancellation, bool maySignIn = true)
    {
        HttpResponseMessage answer;
        try
        {
            using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative)) { Content = content };
            answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        }
        catch (Exception failure) when (failure is HttpRequestException or SocketException || (failure is TaskCanceledException && !cancellation.IsCancellationRequested))
        {
            throw new AdminException($"{_http.BaseAddress} cannot be reached: {failure.GetBaseException().Message}. Give a worker's address with --server.", failure);
        }

        if (answer.IsSuccessStatusCode)
        {
            return answer;
        }

        if (answer.StatusCode == HttpStatusCode.NotFound && await IsNodePortAsync(cancellation))
        {
            answer.Dispose();
            throw new AdminException($"{_http.BaseAddress} is a node port, for other nodes and metrics. Give the address at which clients reach a worker with --server: its --host and --port, 8080 unless given.");
        }

        if (maySignIn && answer.StatusCode == HttpStatusCode.Unauthorized && content is null && _http.DefaultRequestHeaders.Authorization is not null)
        {
            // The token ran out: what is watched for hours signs in again.
            answer.Dispose();
            _http.DefaultRequestHeaders.Authorization = null;
            await SignInAsync(cancellation);
            return await SendAsync(method, path, content, cancellation, maySignIn: false);
        }

        using (answer)
        {
            throw new AdminException(await ExplainAsync(answer, cancellation));
        }
    }

    /// <summary>A node's port answers nothing that people ask for but this: it wants an upgrade there.</summary>
    private async Task<bool> IsNodePortAsync(CancellationToken cancellation)
    {
        try
        {
            using var answer = await _http.GetAsync(new Uri(NodeDoor.Path[1..], UriKind.Relative), cancellation);
            return answer.StatusCode == HttpStatusCode.UpgradeRequired && answer.Headers.Upgrade.ToString() == NodeDoor.Protocol;
        }
        catch (Exception failure) when (failure is HttpRequestException or SocketException || (failure is TaskCanceledException && !cancellation.IsCancellationRequested))
        {
            return false;
        }
    }

    private async Task<string> ExplainAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        try
        {
            var problem = await answer.Content.ReadFromJsonAsync(ProtocolJson.Wire.Problem, cancellation);
            return problem?.Code switch
            {
                ErrorCodes.BadCredentials => $"{_user} is not let in at {_http.BaseAddress}: give the account with --user, and its password in DCHAT_ADMIN_PASSWORD or with --password-file",
                ErrorCodes.Forbidden when answer.StatusCode == HttpStatusCode.Forbidden => problem.Detail ?? $"{_user} is no administrator",
                { } code => problem.Detail ?? code,
                null => $"{_http.BaseAddress} answered {(int)answer.StatusCode}",
            };
        }
        catch (JsonException)
        {
            return $"{_http.BaseAddress} answered {(int)answer.StatusCode}, not as D-Chat does";
        }
    }
}

/// <summary>What an administrator asked for was not done; the message says why and, where there is one, the remedy.</summary>
internal sealed class AdminException(string message, Exception? inner = null) : Exception(message, inner);
