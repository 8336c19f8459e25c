using DChat.TestKit;

namespace DChat.Client.Tests.RealServer;

/// <summary>One real server for the tests of a class, and accounts on it.</summary>
public sealed class ChatServer : IAsyncLifetime
{
    private const string Password = "a long and good password";

    public ServerProcess Process { get; private set; } = null!;

    public async Task InitializeAsync() => Process = await ServerProcess.StartAsync();

    public async Task DisposeAsync() => await Process.DisposeAsync();

    /// <summary>A new account's client, connected. Names are made unique, as the server is shared.</summary>
    public async Task<ChatClient> ConnectAsync(string name, Func<ChatClientOptions, ChatClientOptions>? configure = null)
    {
        var client = await RegisterAsync(name, configure);
        await client.ConnectAsync().Within();
        return client;
    }

    public async Task<ChatClient> RegisterAsync(string name, Func<ChatClientOptions, ChatClientOptions>? configure = null)
    {
        var options = SignedIn.Options(Process.Client);
        var client = new ChatClient(configure?.Invoke(options) ?? options);
        await client.Account.RegisterAsync($"{name}-{Guid.NewGuid():N}"[..20], Password).Within();
        return client;
    }

    public Task LoginAsync(ChatClient client, string user) => client.Account.LoginAsync(user, Password).Within();
}
