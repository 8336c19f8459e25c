using System.Globalization;
using System.Text.Json.Nodes;
using DChat.Protocol;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Leaders;

/// <summary>Makes one room after the other, and in the end looks whether each that was answered is there once, and none is there twice.</summary>
internal sealed class RoomMaking : IAsyncDisposable
{
    /// <summary>What a command may take by its contract, and as much again for a busy machine.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly HubProbe _probe;
    private readonly string _prefix;
    private readonly List<string> _made = [];
    private readonly Task _making;
    private int _unavailable;
    private long _longestMs;
    private volatile bool _isOver;

    private RoomMaking(HubProbe probe, string prefix)
    {
        (_probe, _prefix) = (probe, prefix);
        _making = MakeAsync();
    }

    public int Made => _made.Count;

    /// <summary>What was seen, for people.</summary>
    public string Seen => string.Create(CultureInfo.InvariantCulture, $"{Made} rooms made, {_unavailable} answered unavailable, the longest took {_longestMs} ms");

    public static async Task<RoomMaking> StartAsync(ServerProcess worker, string token, string prefix) =>
        new(await HubProbe.ConnectAsync(worker.Client, token), prefix);

    /// <summary>Waits until more were made: commands are carried out.</summary>
    public Task GoesOnAsync()
    {
        var wanted = Made + 3;
        return Eventually.Holds(async () =>
        {
            if (_making.IsFaulted)
            {
                await _making;
            }

            return Made >= wanted;
        });
    }

    public async Task EndAsync(LeaderSight sight)
    {
        _isOver = true;
        await _making.Within();
        var names = await NamesAsync(sight);
        Assert.Empty(_made.Except(names));
        Assert.Equal(names.Distinct().Count(), names.Count);
        Assert.True(names.Count <= _made.Count + _unavailable, $"{names.Count} rooms are there, {Seen}");
    }

    public async ValueTask DisposeAsync()
    {
        _isOver = true;
        await _making.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _probe.DisposeAsync();
    }

    private async Task MakeAsync()
    {
        for (var i = 0; !_isOver; i++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"{_prefix}{i}");
            var started = Environment.TickCount64;
            try
            {
                await _probe.CallAsync("createRoom", new { name }).WaitAsync(Limit);
                lock (_made)
                {
                    _made.Add(name);
                }
            }
            catch (HubCallFailedException refused) when (refused.Error?.Code == ErrorCodes.Unavailable)
            {
                _unavailable++;
            }

            _longestMs = Math.Max(_longestMs, Environment.TickCount64 - started);
        }
    }

    private async Task<List<string>> NamesAsync(LeaderSight sight)
    {
        var names = new List<string>();
        for (string? after = ""; after is not null;)
        {
            var page = JsonNode.Parse(await sight.Http.GetStringAsync($"api/admin/rooms?limit=500&after={after}"))!;
            names.AddRange(page["rooms"]!.AsArray().Select(room => (string)room!["name"]!).Where(name => name.StartsWith(_prefix, StringComparison.Ordinal)));
            after = (string?)page["next"];
        }

        return names;
    }
}
