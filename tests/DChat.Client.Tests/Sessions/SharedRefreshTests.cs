using DChat.Client.Sessions;
using DChat.Client.Tests.Stub;
using DChat.Protocol;
using DChat.TestKit;

namespace DChat.Client.Tests.Sessions;

public sealed class SharedRefreshTests
{
    [Fact]
    public async Task Several_clients_that_share_a_session_refresh_it_once()
    {
        var world = new StubWorld();
        world.Add("room");
        using var folder = new TemporaryFolder();
        await using var server = await StubServer.StartAsync(world);
        var options = SignedIn.Options(server.Address) with { SessionStore = new FileSessionStore(folder["session.json"]) };
        await using (var first = new ChatClient(options))
        {
            await first.Account.LoginAsync("alice", "a good password").Within();
        }

        lock (world.Gate)
        {
            world.AccessTokens.Clear();
        }

        var clients = Enumerable.Range(0, 5).Select(_ => new ChatClient(options with { SessionStore = new FileSessionStore(folder["session.json"]) })).ToList();
        await Task.WhenAll(clients.Select(client => client.ConnectAsync())).Within();

        Assert.Equal(1, world.Refreshes);
        await Task.WhenAll(clients.Select(client => client.DisposeAsync().AsTask())).Within();
    }

    [Fact]
    public async Task Without_a_session_nothing_is_tried()
    {
        await using var client = new ChatClient("http://127.0.0.1:1");

        var refusal = await Assert.ThrowsAsync<ChatException>(() => client.ConnectAsync().Within());

        Assert.Equal(ErrorCodes.NotSignedIn, refusal.Code);
    }

    [Theory]
    [InlineData("localhost:8080", "http://localhost:8080/")]
    [InlineData("https://chat.example.org/", "https://chat.example.org/")]
    [InlineData("http://one/base, two:1 ,", "http://one/base/,http://two:1/")]
    public void Addresses_are_read_as_people_write_them(string text, string expected) =>
        Assert.Equal(expected, string.Join(',', DChat.Client.Connections.ServerAddresses.Parse(text)));

    [Theory]
    [InlineData("")]
    [InlineData("ftp://one")]
    [InlineData("http://")]
    public void What_is_no_address_is_refused(string text) =>
        Assert.Throws<FormatException>(() => DChat.Client.Connections.ServerAddresses.Parse(text));
}
