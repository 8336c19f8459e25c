using DChat.TestKit;

namespace DChat.Cluster.Tests.Cluster;

/// <summary>Each user sends to each room in turn, one message after the other's answer, and goes on for as long as a worker that goes away asks for.</summary>
internal sealed class OngoingChat : IAsyncDisposable
{
    private readonly List<HubProbe> _probes = [];
    private readonly List<Task> _sending = [];
    private readonly Crowd _crowd;
    private readonly int[] _sent;
    private volatile bool _isOver;

    private OngoingChat(Crowd crowd) => (_crowd, _sent) = (crowd, new int[crowd.Users.Count]);

    public static async Task<OngoingChat> StartAsync(Crowd crowd, Func<int, ServerProcess> workerOf)
    {
        var chat = new OngoingChat(crowd);
        for (var user = 0; user < crowd.Users.Count; user++)
        {
            var probe = await HubProbe.ConnectAsync(workerOf(user).Client, crowd.Token(user));
            chat._probes.Add(probe);
            await probe.CallAsync("sync", new { });
            chat._sending.Add(chat.SendAsync(user, probe));
        }

        return chat;
    }

    /// <summary>Waits until everybody who has not left was answered several times more; whose call failed makes this fail.</summary>
    public Task GoesOnAsync()
    {
        var wanted = _sent.Select(sent => sent + (2 * _sent.Length)).ToArray();
        return Eventually.Holds(async () =>
        {
            foreach (var failed in _sending.Where(sending => sending.IsFaulted))
            {
                await failed;
            }

            return Enumerable.Range(0, _sent.Length).All(user => _sending[user].IsCompleted || Volatile.Read(ref _sent[user]) >= wanted[user]);
        });
    }

    public async Task EndAsync()
    {
        _isOver = true;
        await Task.WhenAll(_sending).Within();
    }

    public async ValueTask DisposeAsync()
    {
        _isOver = true;
        await Task.WhenAll(_sending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var probe in _probes)
        {
            await probe.DisposeAsync();
        }
    }

    private async Task SendAsync(int user, HubProbe probe)
    {
        long? leavesAt = null;
        while (!_isOver)
        {
            if (probe.Untaken().FirstOrDefault(seen => seen.Name == "reconnect") is { } asked)
            {
                leavesAt ??= Environment.TickCount64 + (long)asked.Argument["afterMs"]!;
            }

            if (Environment.TickCount64 >= leavesAt)
            {
                await probe.DisposeAsync(); // All that it called is answered.
                return;
            }

            var room = _crowd.Rooms[_sent[user] % _crowd.Rooms.Count].Room;
            await probe.CallAsync("send", new { room, clientId = $"c{_sent[user]}", body = "meanwhile" });
            Interlocked.Increment(ref _sent[user]);
        }
    }
}
