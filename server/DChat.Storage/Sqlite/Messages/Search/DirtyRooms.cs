using System.Threading.Channels;
using DChat.Core.Messages;

namespace DChat.Storage.Sqlite.Messages.Search;

/// <summary>The rooms in which the search index is behind. The writer adds to them after each commit; the indexer takes them off.</summary>
internal sealed class DirtyRooms(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<long, Entry> _rooms = [];
    private readonly Channel<bool> _some = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public SearchLag Lag
    {
        get
        {
            lock (_lock)
            {
                long messages = 0;
                var since = long.MaxValue;
                foreach (var entry in _rooms.Values)
                {
                    messages += entry.ToRev - entry.FromRev;
                    since = Math.Min(since, entry.Since);
                }

                return _rooms.Count == 0 ? default : new SearchLag(messages, (long)time.GetElapsedTime(since).TotalMilliseconds);
            }
        }
    }

    /// <summary>A room's changes after <paramref name="fromRev"/> up to <paramref name="toRev"/> are not indexed; equal where only removals are to be followed.</summary>
    public void Add(long roomKey, long fromRev, long toRev)
    {
        lock (_lock)
        {
            _rooms[roomKey] = _rooms.TryGetValue(roomKey, out var entry)
                ? entry with { ToRev = Math.Max(entry.ToRev, toRev), Version = entry.Version + 1 }
                : new Entry(fromRev, toRev, time.GetTimestamp(), 0);
            Wake();
        }
    }

    /// <summary>Ends the wait of <see cref="WaitAsync"/>.</summary>
    public void Wake() => _some.Writer.TryWrite(true);

    /// <summary>Waits until there may be some.</summary>
    public ValueTask<bool> WaitAsync(CancellationToken cancellation) => _some.Reader.ReadAsync(cancellation);

    /// <summary>Some of them; each stays until it is <see cref="Indexed"/>.</summary>
    public List<(long RoomKey, int Version)> Some(int limit)
    {
        lock (_lock)
        {
            return [.. _rooms.Take(limit).Select(room => (room.Key, room.Value.Version))];
        }
    }

    /// <summary>The index has followed the room up to a rev.</summary>
    /// <param name="version">As <see cref="Some"/> told it: what was added since stays.</param>
    /// <param name="complete">There is nothing more up to that version.</param>
    public void Indexed(long roomKey, int version, long rev, bool complete)
    {
        lock (_lock)
        {
            if (!_rooms.TryGetValue(roomKey, out var entry))
            {
                return;
            }

            if (complete && entry.Version == version)
            {
                _rooms.Remove(roomKey);
            }
            else
            {
                _rooms[roomKey] = entry with
                {
                    FromRev = Math.Clamp(rev, entry.FromRev, entry.ToRev),
                    Since = complete ? time.GetTimestamp() : entry.Since,
                };
            }
        }
    }

    private readonly record struct Entry(long FromRev, long ToRev, long Since, int Version);
}
