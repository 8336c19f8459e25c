using DChat.Core.Blobs;

namespace DChat.Server.Blobs;

/// <summary>Holds on the blob store: while one is kept, no file is removed. Each is a blob, so that every node sees it.</summary>
internal static class BlobHolds
{
    public const string Folder = "holds/";

    /// <summary>How often whoever holds says that it still does.</summary>
    public static readonly TimeSpan RenewEvery = TimeSpan.FromMinutes(1);

    /// <summary>A hold that was not renewed for so long is one of a process that is gone.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    /// <summary>Whoever holds takes its hold for lost sooner: by then nobody's clock, however fast, has seen <see cref="Lifetime"/> pass.</summary>
    public static readonly TimeSpan LostAfter = Lifetime / 2;
}

/// <summary>A hold that is renewed until it is disposed of.</summary>
internal sealed class BlobHold : IAsyncDisposable
{
    private readonly IBlobStore _blobs;
    private readonly TimeProvider _time;
    private readonly string _name = $"{BlobHolds.Folder}backup-{Security.RandomText.Hex(8)}";
    private readonly CancellationTokenSource _end = new();
    private Task _renewing = Task.CompletedTask;
    private volatile Moment? _renewedAt;
    private volatile bool _wasLost;

    private BlobHold(IBlobStore blobs, TimeProvider time) => (_blobs, _time) = (blobs, time);

    /// <exception cref="BlobStoreUnavailableException">It cannot be taken.</exception>
    public static async Task<BlobHold> TakeAsync(IBlobStore blobs, TimeProvider time, CancellationToken cancellation)
    {
        var hold = new BlobHold(blobs, time);
        await hold.PutAsync(cancellation);
        hold._renewing = hold.RenewAsync();
        return hold;
    }

    /// <summary>Whether files may have been removed since it was taken: once it could not be renewed for too long, whether or not it was renewed again.</summary>
    public bool MayBeLost => (_renewedAt is { } renewedAt && renewedAt.IsLongAgo(_time)) || _wasLost; // In the other order than they are written.

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _renewing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
        try
        {
            await _blobs.DeleteAsync(_name, CancellationToken.None);
        }
        catch (BlobStoreUnavailableException)
        {
            // It runs out by itself.
            return;
        }
    }

    private async Task RenewAsync()
    {
        using var timer = new PeriodicTimer(BlobHolds.RenewEvery, _time);
        while (await timer.WaitForNextTickAsync(_end.Token))
        {
            try
            {
                await PutAsync(_end.Token);
            }
            catch (BlobStoreUnavailableException)
            {
                continue; // The next time; whether that is too long is asked then.
            }
        }
    }

    private async Task PutAsync(CancellationToken cancellation)
    {
        var begun = new Moment(_time.GetTimestamp(), _time.GetUtcNow()); // Others may see it from here on, and see it changed when it is put.
        using var content = new MemoryStream(System.Text.Encoding.ASCII.GetBytes($"{begun.Day:O}\n"));
        await _blobs.PutAsync(_name, content, cancellation);
        _wasLost = MayBeLost;
        _renewedAt = begun;
    }

    /// <summary>By two clocks: that of uptime stands still while the machine sleeps, and that of the day may be set back.</summary>
    private sealed record Moment(long Uptime, DateTimeOffset Day)
    {
        public bool IsLongAgo(TimeProvider time) => time.GetElapsedTime(Uptime) > BlobHolds.LostAfter || time.GetUtcNow() - Day > BlobHolds.LostAfter;
    }
}

/// <summary>Looks whether somebody holds the blob store. Told by whether holds change while this process looks on, and not by any clock of another.</summary>
internal sealed class BlobHoldWatch(IBlobStore blobs, TimeProvider time)
{
    private Dictionary<string, (long ModifiedAt, long SeenAt)> _seen = new(StringComparer.Ordinal);

    /// <exception cref="BlobStoreUnavailableException">That cannot be told now.</exception>
    public async Task<bool> IsHeldAsync(CancellationToken cancellation)
    {
        var now = new Dictionary<string, (long ModifiedAt, long SeenAt)>(StringComparer.Ordinal);
        await foreach (var hold in blobs.ListAsync(BlobHolds.Folder, cancellation))
        {
            now[hold.Name] = _seen.TryGetValue(hold.Name, out var before) && before.ModifiedAt == hold.ModifiedAt ? before : (hold.ModifiedAt, time.GetTimestamp());
        }

        _seen = now;
        return now.Values.Any(hold => time.GetElapsedTime(hold.SeenAt) < BlobHolds.Lifetime);
    }
}
