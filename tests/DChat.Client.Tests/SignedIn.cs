using DChat.Client.Events;
using DChat.TestKit;

namespace DChat.Client.Tests;

/// <summary>Clients for tests: signed in, connected, and quick to come back.</summary>
internal static class SignedIn
{
    public static ChatClientOptions Options(params Uri[] servers) => new()
    {
        Servers = servers,
        ReconnectFirst = TimeSpan.FromMilliseconds(20),
        ReconnectSpread = TimeSpan.FromMilliseconds(20),
        ReconnectLongest = TimeSpan.FromMilliseconds(200),
    };

    public static Task<ChatClient> ConnectAsync(params Uri[] servers) => ConnectAsync(o => o, servers);

    public static async Task<ChatClient> ConnectAsync(Func<ChatClientOptions, ChatClientOptions> configure, params Uri[] servers)
    {
        var client = new ChatClient(configure(Options(servers)));
        await client.Account.LoginAsync("alice", "a good password").Within();
        await client.ConnectAsync().Within();
        return client;
    }

    /// <summary>The first event that fits; those before it are read and dropped.</summary>
    public static async Task<T> FirstAsync<T>(this EventStream<T> stream, Func<T, bool> fits)
    {
        await foreach (var next in stream)
        {
            if (fits(next))
            {
                return next;
            }
        }

        throw new InvalidOperationException("The stream ended.");
    }

    public static async Task<List<T>> TakeAsync<T>(this EventStream<T> stream, int count)
    {
        List<T> taken = [];
        await foreach (var next in stream)
        {
            taken.Add(next);
            if (taken.Count == count)
            {
                break;
            }
        }

        return taken;
    }
}

/// <summary>The system's clock, put forward by a test.</summary>
internal sealed class SteppedTime : TimeProvider
{
    private TimeSpan ahead;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + ahead;

    public void Advance(TimeSpan by) => ahead += by;
}
