using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using DChat.Protocol;

namespace DChat.Terminal.Load;

/// <summary>Why a run did not begin.</summary>
internal sealed class CannotStartException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>One of <see cref="ExitCodes"/>.</summary>
    public int ExitCode { get; init; } = ExitCodes.Unreachable;
}

/// <summary>The run's accounts, tokens and rooms, made by one call of an administrator.</summary>
internal sealed class Accounts(LoadOptions options) : IDisposable
{
    public const string Administrator = "admin";

    private static readonly TimeSpan CallTimeout = TimeSpan.FromMinutes(5);

    private readonly HttpClient _http = new() { Timeout = CallTimeout };

    /// <summary>Makes them; called again it gives the same accounts fresh tokens.</summary>
    public async Task<BulkUsersAnswer> MakeAsync(CancellationToken cancellation)
    {
        var server = options.Servers[0];
        try
        {
            var admin = await SignInAsync(cancellation);
            return await PostAsync(
                new Uri(server, "/api/admin/users/bulk"),
                JsonContent.Create(new BulkUsersRequest(options.Prefix, options.Users, options.Rooms, options.EffectiveMembers), ProtocolJson.Wire.BulkUsersRequest),
                admin.AccessToken,
                body => JsonSerializer.Deserialize(body, ProtocolJson.Wire.BulkUsersAnswer)!,
                cancellation);
        }
        catch (Exception failure) when (failure is HttpRequestException or SocketException or JsonException || (failure is TaskCanceledException && !cancellation.IsCancellationRequested))
        {
            throw new CannotStartException($"{server} did not make the accounts: {failure.Message}", failure);
        }
    }

    /// <summary>The rooms of the run that are hosted by the worker at an address.</summary>
    public async Task<IReadOnlySet<string>> RoomsHostedAtAsync(Uri server, CancellationToken cancellation)
    {
        var worker = (await GetAsync(new Uri(server, "/api/info"), token: null, ProtocolJson.Wire.InfoAnswer, cancellation)).Worker;
        var admin = await SignInAsync(cancellation);
        var rooms = new HashSet<string>(StringComparer.Ordinal);
        string? next = "";
        while (next is not null)
        {
            var page = await GetAsync(new Uri(server, $"/api/admin/rooms?limit={ProtocolLimits.PageMax}{next}"), admin.AccessToken, ProtocolJson.Wire.AdminRooms, cancellation);
            rooms.UnionWith(page.Rooms.Where(room => room.Worker == worker).Select(room => room.Id));
            next = page.Next is null ? null : $"&after={Uri.EscapeDataString(page.Next)}";
        }

        return rooms;
    }

    public void Dispose() => _http.Dispose();

    private Task<TokenAnswer> SignInAsync(CancellationToken cancellation) => PostAsync(
        new Uri(options.Servers[0], "/api/login"),
        JsonContent.Create(new LoginRequest(Administrator, options.AdminPassword), ProtocolJson.Wire.LoginRequest),
        token: null,
        body => JsonSerializer.Deserialize(body, ProtocolJson.Wire.TokenAnswer)!,
        cancellation);

    private Task<T> GetAsync<T>(Uri address, string? token, JsonTypeInfo<T> type, CancellationToken cancellation) =>
        CallAsync(HttpMethod.Get, address, content: null, token, body => JsonSerializer.Deserialize(body, type)!, cancellation);

    private Task<T> PostAsync<T>(Uri address, HttpContent content, string? token, Func<Stream, T> read, CancellationToken cancellation) =>
        CallAsync(HttpMethod.Post, address, content, token, read, cancellation);

    private async Task<T> CallAsync<T>(HttpMethod method, Uri address, HttpContent? content, string? token, Func<Stream, T> read, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(method, address) { Content = content };
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        using var response = await _http.SendAsync(request, cancellation);
        if (!response.IsSuccessStatusCode)
        {
            var problem = await response.Content.ReadAsStringAsync(cancellation);
            throw new CannotStartException($"{address} answered {(int)response.StatusCode}: {problem}")
            {
                ExitCode = response.StatusCode < System.Net.HttpStatusCode.InternalServerError ? ExitCodes.Refused : ExitCodes.Unreachable,
            };
        }

        await using var body = await response.Content.ReadAsStreamAsync(cancellation);
        return read(body);
    }
}
