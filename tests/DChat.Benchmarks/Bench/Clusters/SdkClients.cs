using System.Diagnostics;
using DChat.Client;
using DChat.TestKit;

namespace DChat.Benchmarks.Bench.Clusters;

/// <summary>People's clients, by the SDK: each calls in a room of theirs one thing after the other, and no call may fail.</summary>
internal sealed class SdkClients : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(40);

    private readonly CancellationTokenSource _stop = new();
    private readonly List<ChatClient> _clients = [];
    private readonly List<Task> _working = [];
    private readonly Lock _gate = new();
    private string _room = "";
    private string? _firstFailure;
    private long _calls;
    private long _failures;
    private double _longestCall;
    private double _longestPause;

    public long Calls => Interlocked.Read(ref _calls);

    public long Failures => Interlocked.Read(ref _failures);

    public string? FirstFailure => _firstFailure;

    /// <summary>In milliseconds, whatever the client repeated meanwhile.</summary>
    public double LongestCall => _longestCall;

    /// <summary>In milliseconds: how long a client was shown nothing.</summary>
    public double LongestPause => _longestPause;

    public static async Task<SdkClients> StartAsync(MeasuredCluster cluster, int count)
    {
        var all = new SdkClients();
        try
        {
            for (var i = 0; i < count; i++)
            {
                // Each begins at another worker, and goes on to any.
                var servers = cluster.Workers.Select(worker => worker.Client);
                var client = new ChatClient(new ChatClientOptions { Servers = [.. servers] });
                all._clients.Add(client);
                await client.Account.RegisterAsync($"sdk{i}", "their own secret 1");
                await client.ConnectAsync();
                all._room = i == 0 ? (await client.CreateRoomAsync("people")).Id : (await client.JoinRoomAsync(all._room)).Id;
                await client.FollowAsync(all._room);
            }

            all._working.AddRange(all._clients.SelectMany(client => new[] { all.CallAsync(client), all.WatchAsync(client) }));
            return all;
        }
        catch
        {
            await all.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_working).Within();
        foreach (var client in _clients)
        {
            await client.DisposeAsync();
        }

        _stop.Dispose();
    }

    private async Task CallAsync(ChatClient client)
    {
        for (var i = 0; !_stop.IsCancellationRequested; i++)
        {
            var started = Stopwatch.GetTimestamp();
            try
            {
                var sent = await client.SendAsync(_room, $"message {i}");
                await ((i % 4) switch
                {
                    0 => client.HistoryAsync(_room, limit: 10),
                    1 => client.EditAsync(_room, sent.Seq, $"message {i}, edited"),
                    2 => client.MembersAsync(_room),
                    _ => client.FindRoom(_room)!.MarkReadAsync(sent.Seq),
                });
            }
            catch (ChatException failure)
            {
                Interlocked.Increment(ref _failures);
                _firstFailure ??= $"{failure.Code}: {failure.Message}";
            }

            Interlocked.Add(ref _calls, 2);
            Note(ref _longestCall, started);
            await Task.Delay(Pause, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task WatchAsync(ChatClient client)
    {
        var shown = Stopwatch.GetTimestamp();
        using var messages = client.Messages();
        try
        {
            await foreach (var message in messages.WithCancellation(_stop.Token))
            {
                Note(ref _longestPause, shown);
                shown = Stopwatch.GetTimestamp();
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The run is over.
        }
    }

    private void Note(ref double longest, long since)
    {
        lock (_gate)
        {
            longest = Math.Max(longest, Stopwatch.GetElapsedTime(since).TotalMilliseconds);
        }
    }
}
