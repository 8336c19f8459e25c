using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using DChat.Protocol;
using DChat.Server.Cli;
using DChat.TestKit;
using Microsoft.AspNetCore.Builder;

namespace DChat.Server.Tests.Contract;

/// <summary>One server for the tests of a class, which keep out of each other's way by names of their own.</summary>
public class ContractServer : IAsyncLifetime
{
    private const int PeopleAtOnce = 48;

    private readonly ConcurrentQueue<(string Name, string Token)> _people = new();
    private HttpClient? _admin;
    private int _hired;

    public InProcessServer Server { get; private set; } = null!;

    public Uri Address => Server.Client;

    /// <summary>Signed in as the account <c>admin</c>.</summary>
    public HttpClient Admin => _admin ?? throw new InvalidOperationException("the server is not started");

    public string AdminToken { get; private set; } = "";

    public async Task InitializeAsync()
    {
        Server = await InProcessServer.StartAsync(Configure, Adjust);
        _admin = Server.CreateHttpClient();
        using var answer = await _admin.PostAsJsonAsync("/api/login", new { user = "admin", password = Server.AdminPassword });
        AdminToken = (await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<TokenAnswer>())!.AccessToken;
        _admin.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", AdminToken);
    }

    public async Task DisposeAsync()
    {
        _admin?.Dispose();
        await Server.DisposeAsync();
    }

    /// <summary>An account that nobody else uses, connected to the hub.</summary>
    public async Task<Person> PersonAsync()
    {
        var (name, token) = await AccountAsync();
        return new Person(Address, name, token, await HubProbe.ConnectAsync(Address, token));
    }

    /// <summary>The name and a token of an account that nobody else uses. It has no password.</summary>
    public async Task<(string Name, string Token)> AccountAsync()
    {
        while (true)
        {
            if (_people.TryDequeue(out var person))
            {
                return person;
            }

            await HireAsync();
        }
    }

    /// <summary>An account with a password, registered and signed in as people do.</summary>
    public async Task<(TokenAnswer Tokens, string Password)> RegisterAsync()
    {
        var name = "p" + Chat.NewId()[..16];
        const string Password = "correct horse battery";
        using var http = Server.CreateHttpClient();
        using var answer = await http.PostAsJsonAsync("/api/register", new { user = name, password = Password });
        return ((await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<TokenAnswer>())!, Password);
    }

    public HttpClient HttpOf(string token)
    {
        var http = Server.CreateHttpClient();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return http;
    }

    protected virtual ServerOptions Configure(ServerOptions options) => Generous(options);

    /// <summary>Changes the composition, such as the clock.</summary>
    protected virtual void Adjust(WebApplicationBuilder builder)
    {
    }

    /// <summary>No limits on how often something is done: tests of them set their own.</summary>
    protected static ServerOptions Generous(ServerOptions options) => options with
    {
        AccessTokenSeconds = 3_600,
        Limits = options.Limits with { SendBurst = 0, CallBurst = 0, SearchBurst = 0 },
    };

    private async Task HireAsync()
    {
        var prefix = $"u{Interlocked.Increment(ref _hired)}-";
        using var answer = await Admin.PostAsJsonAsync("/api/admin/users/bulk", new { prefix, count = PeopleAtOnce });
        var made = await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<BulkUsersAnswer>();
        foreach (var user in made!.Users)
        {
            _people.Enqueue((user.User, user.AccessToken));
        }
    }
}

/// <summary>An account with an open connection.</summary>
public sealed class Person(Uri server, string name, string token, HubProbe hub) : IAsyncDisposable
{
    public string Name { get; } = name;

    public string Token { get; } = token;

    public HubProbe Hub { get; } = hub;

    /// <summary>Another connection of the same account. The caller disposes it.</summary>
    public Task<HubProbe> ConnectAsync() => HubProbe.ConnectAsync(server, Token);

    public ValueTask DisposeAsync() => Hub.DisposeAsync();
}
