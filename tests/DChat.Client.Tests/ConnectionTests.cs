using DChat.Client.Connections;
using DChat.Client.Events;
using DChat.Client.Sessions;
using DChat.Client.Tests.Stub;
using DChat.Protocol;
using DChat.TestKit;

namespace DChat.Client.Tests;

public sealed class ConnectionTests
{
    private readonly StubWorld world = new();

    [Fact]
    public async Task Goes_on_at_another_address_when_its_server_dies()
    {
        world.Add("room");
        await using var first = await StubServer.StartAsync(world);
        await using var second = await StubServer.StartAsync(world);
        await using var client = await SignedIn.ConnectAsync(first.Address, second.Address);
        var (used, other) = first.Connections == 1 ? (first, second) : (second, first);

        await used.DisposeAsync();

        await Eventually.Holds(() => other.Connections == 1 && client.Status.State == ConnectionState.Online);
        Assert.Equal(other.Address, client.Status.Server);
    }

    [Fact]
    public async Task Goes_on_at_another_address_where_the_one_that_answers_cannot_serve()
    {
        world.Add("room");
        await using var first = await StubServer.StartAsync(world);
        await using var second = await StubServer.StartAsync(world);
        await using var client = await SignedIn.ConnectAsync(first.Address, second.Address);
        var (used, other) = first.Connections == 1 ? (first, second) : (second, first);

        other.IsStoreAway = true;
        used.Cut(); // The other one is tried first.

        await Eventually.Holds(() => other.Accepted > 0 && client.Status.State == ConnectionState.Online);
        Assert.Equal(used.Address, client.Status.Server);
    }

    [Fact]
    public async Task A_lost_connection_is_opened_again_anywhere_within_the_spread()
    {
        await using var server = await StubServer.StartAsync(world);
        var spread = TimeSpan.FromDays(40); // It is never below the longest wait by chance.
        await using var client = await SignedIn.ConnectAsync(options => options with { ReconnectSpread = spread }, server.Address);
        var before = TimeProvider.System.GetUtcNow();

        await server.DisposeAsync();

        await Eventually.Holds(() => client.Status.State == ConnectionState.Waiting);
        Assert.InRange(client.Status.RetryAt!.Value, before + SignedIn.Options().ReconnectLongest, TimeProvider.System.GetUtcNow() + spread);
    }

    [Fact]
    public async Task A_server_may_ask_for_a_longer_spread()
    {
        world.Add("room");
        await using var server = await StubServer.StartAsync(world);
        var clients = new List<ChatClient>();
        for (var i = 0; i < 5; i++)
        {
            clients.Add(await SignedIn.ConnectAsync(server.Address)); // All of them are never below the longest wait by chance.
        }

        await server.TellAllAsync(HubEvents.ReconnectSpread, new ReconnectSpread(long.MaxValue));
        foreach (var client in clients)
        {
            await client.SendAsync("room", "its answer comes after that").Within();
        }

        await server.DisposeAsync();
        await Eventually.Holds(() => clients.TrueForAll(client => client.Status.State == ConnectionState.Waiting));
        var now = TimeProvider.System.GetUtcNow();
        Assert.Contains(clients, client => client.Status.RetryAt > now + SignedIn.Options().ReconnectLongest);
        Assert.DoesNotContain(clients, client => client.Status.RetryAt > now + TimeSpan.FromMinutes(1));
        foreach (var client in clients)
        {
            await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task Tries_every_address_that_was_given_and_every_one_that_a_name_has()
    {
        await using var server = await StubServer.StartAsync(world);
        var dead = new Uri($"http://127.0.0.1:{FreePort.Next()}");
        var named = new Uri($"http://localhost:{server.Address.Port}");

        await using var client = await SignedIn.ConnectAsync(dead, named);

        Assert.Equal(ConnectionState.Online, client.Status.State);
        Assert.Equal("localhost", client.Status.Server!.Host);
    }

    [Fact]
    public async Task Says_which_addresses_do_not_answer()
    {
        var dead = new Uri($"http://127.0.0.1:{FreePort.Next()}");
        var store = new MemorySessionStore();
        await store.UpdateAsync((_, _) => Task.FromResult<Session?>(new Session("alice", "alice/1", null, null)), default);
        await using var client = new ChatClient(SignedIn.Options(dead) with { SessionStore = store, ConnectPatience = TimeSpan.Zero });

        var refusal = await Assert.ThrowsAsync<ChatException>(() => client.ConnectAsync().Within());

        Assert.Equal(ClientErrorCodes.Unreachable, refusal.Code);
        Assert.Contains(dead.Authority, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(ConnectionState.Offline, client.Status.State);
    }

    [Fact]
    public async Task Leaves_a_server_that_goes_away_for_another_one_without_an_error_to_anybody()
    {
        world.Add("room");
        await using var first = await StubServer.StartAsync(world);
        await using var second = await StubServer.StartAsync(world);
        await using var client = await SignedIn.ConnectAsync(first.Address, second.Address);
        var (used, other) = first.Connections == 1 ? (first, second) : (second, first);

        await used.TellAllAsync(HubEvents.Reconnect, new ReconnectAsked(0));
        var sent = await client.SendAsync("room", "on the way").Within();

        await Eventually.Holds(() => other.Connections == 1 && used.Connections == 0);
        Assert.Equal(1, sent.Seq);
        Assert.Equal(["on the way"], world.Room("room").Bodies);
    }

    [Fact]
    public async Task Gets_another_token_when_the_server_rejects_the_one_it_has()
    {
        await using var server = await StubServer.StartAsync(world);
        await using var client = await SignedIn.ConnectAsync(server.Address);
        lock (world.Gate)
        {
            world.AccessTokens.Clear();
        }

        server.Cut();

        await Eventually.Holds(() => server.Accepted == 2 && client.Status.State == ConnectionState.Online);
        Assert.Equal(1, world.Refreshes);
    }

    [Fact]
    public async Task Refreshes_a_token_before_it_expires()
    {
        world.AccessLifetimeSeconds = 300;
        var time = new SteppedTime();
        await using var server = await StubServer.StartAsync(world);
        await using var client = await SignedIn.ConnectAsync(o => o with { Time = time }, server.Address);
        Assert.Equal(0, world.Refreshes);

        time.Advance(TimeSpan.FromSeconds(299));
        server.Cut();

        await Eventually.Holds(() => server.Accepted == 2 && client.Status.State == ConnectionState.Online);
        Assert.Equal(1, world.Refreshes);
    }

    [Fact]
    public async Task Is_signed_out_when_the_session_ended_and_stays_so()
    {
        await using var server = await StubServer.StartAsync(world);
        await using var client = await SignedIn.ConnectAsync(server.Address);
        using var events = client.Events();
        lock (world.Gate)
        {
            world.AccessTokens.Clear();
            world.RefreshTokens.Clear();
        }

        server.Cut();

        await Eventually.Holds(() => client.Status.State == ConnectionState.SignedOut);
        await events.FirstAsync(e => e is ChatEvent.SignedOut).Within();
        var refusal = await Assert.ThrowsAsync<ChatException>(() => client.SendAsync("room", "hello").Within());
        Assert.Equal(ErrorCodes.NotSignedIn, refusal.Code);
    }

    [Fact]
    public async Task The_servers_word_that_the_session_ended_ends_it()
    {
        await using var server = await StubServer.StartAsync(world);
        await using var client = await SignedIn.ConnectAsync(server.Address);

        await server.TellAllAsync(HubEvents.SignedOut, new SignedOut("password changed"));

        await Eventually.Holds(() => client.Status.State == ConnectionState.SignedOut && server.Connections == 0);
        Assert.Contains("password changed", client.Status.Problem, StringComparison.Ordinal);
        var refusal = await Assert.ThrowsAsync<ChatException>(() => client.ConnectAsync().Within());
        Assert.Equal(ErrorCodes.NotSignedIn, refusal.Code);
    }

    [Fact]
    public async Task Latency_is_that_of_the_latest_call()
    {
        await using var server = await StubServer.StartAsync(world);
        await using var client = await SignedIn.ConnectAsync(server.Address);

        var measured = await client.PingAsync().Within();

        Assert.True(measured > TimeSpan.Zero);
        Assert.NotNull(client.Latency);
    }
}
