using DChat.Core.Messages;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace DChat.Storage.Sqlite.Messages.Search;

/// <summary>
/// Follows the commits with the search index, behind them and in batches. Each room's mark is written with its messages,
/// so after a crash it goes on where it was; an index that is missing or damaged is made again from the messages.
/// </summary>
internal sealed class SearchIndexer : IAsyncDisposable
{
    /// <summary>Messages of one batch: a few tens of milliseconds of work.</summary>
    private const int BatchMessages = 1_000;

    /// <summary>Rooms of one batch.</summary>
    private const int BatchRooms = 1_000;

    /// <summary>How long it waits after an error.</summary>
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    private readonly SqliteMessageStoreOptions _options;
    private readonly string _storeId;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly MessageTables _source;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private volatile SearchIndex? _index;
    private volatile bool _damaged;
    private bool _failing;

    public SearchIndexer(SqliteMessageStoreOptions options, string storeId, TimeProvider time, ILogger logger)
    {
        _options = options;
        _storeId = storeId;
        _time = time;
        _logger = logger;
        Dirty = new DirtyRooms(time);
        _source = MessageTables.Over(SqliteSession.OpenReader(options.Path));
        try
        {
            _index = SearchIndex.Open(options.SearchPath, storeId, options.Searchers);
        }
        catch (Exception error) when (error is SqliteException or IOException)
        {
            // Messages go on without search; the indexer tries again.
            SearchIndexLog.Failed(logger, options.SearchPath, error.Message);
            SearchIndexLog.Trace(logger, error);
        }

        _running = Task.Run(RunAsync, CancellationToken.None);
    }

    public DirtyRooms Dirty { get; }

    /// <summary>Lends a session for searching.</summary>
    public async Task<T> SearchAsync<T>(Func<SearchSession, Task<T>> search, CancellationToken cancellation)
    {
        var index = _index ?? throw new MessageStoreUnavailableException($"'{_options.SearchPath}' is being opened");
        try
        {
            return await index.SearchAsync(search, cancellation);
        }
        catch (SearchIndexException error)
        {
            NoteDamage(error.Error);
            throw new MessageStoreUnavailableException($"'{_options.SearchPath}' cannot be used now: {error.Message}", error);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        if (_index is { } index)
        {
            _index = null;
            await index.DisposeAsync();
        }

        _source.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await FollowAsync(_stop.Token);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                if ((error is not SqliteException damage || !NoteDamage(damage)) && !_failing)
                {
                    _failing = true;
                    SearchIndexLog.Failed(_logger, _options.SearchPath, error.Message);
                    SearchIndexLog.Trace(_logger, error);
                }

                await Task.Delay(RetryDelay, _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task FollowAsync(CancellationToken stop)
    {
        var index = await OpenAsync();
        NoteRoomsBehind(index);
        while (true)
        {
            await Dirty.WaitAsync(stop);
            await Task.Delay(_options.IndexDelay, _time, stop);
            var started = _time.GetTimestamp();
            while (!_damaged && IndexSome(index))
            {
                // Half of the time is left to those who talk.
                await Task.Delay(_time.GetElapsedTime(started), _time, stop);
                started = _time.GetTimestamp();
            }

            if (_damaged)
            {
                return;
            }
        }
    }

    private async Task<SearchIndex> OpenAsync()
    {
        if (_damaged)
        {
            SearchIndexLog.Damaged(_logger, _options.SearchPath);
            if (_index is { } damaged)
            {
                _index = null;
                await damaged.DisposeAsync();
            }

            SearchIndex.Remove(_options.SearchPath);
            _damaged = false;
        }

        return _index ??= SearchIndex.Open(_options.SearchPath, _storeId, _options.Searchers);
    }

    private void NoteRoomsBehind(SearchIndex index)
    {
        var rooms = ReadSource(_source.Rooms.All);
        var marks = index.Marks();
        long messages = 0;
        foreach (var row in rooms)
        {
            var mark = marks.GetValueOrDefault(row.Key);
            if (mark.Rev > row.Rev)
            {
                // The messages were replaced by an older copy of themselves.
                _damaged = true;
                Dirty.Add(row.Key, row.Rev, row.Rev);
            }
            else if (mark.Rev < row.Rev || mark.RemovedSeq < RemovedSeq(row))
            {
                // A restore lifts revisions by far more than there are messages.
                var behind = Math.Min(row.Rev - mark.Rev, row.Seq - row.RemovedSeq);
                Dirty.Add(row.Key, row.Rev - behind, row.Rev);
                messages += behind;
            }
        }

        if (messages > 0)
        {
            SearchIndexLog.Behind(_logger, _options.SearchPath, messages);
        }
    }

    /// <summary>Indexes a batch; false when nothing is left.</summary>
    private bool IndexSome(SearchIndex index)
    {
        var bodies = new List<(long Id, string? Body)>();
        var marks = new List<(long RoomKey, IndexMark Mark)>();
        var followed = new List<(long RoomKey, int Version, long Rev, bool Complete)>();
        foreach (var (roomKey, version) in Dirty.Some(BatchRooms))
        {
            if (bodies.Count >= BatchMessages)
            {
                break;
            }

            var (mark, complete) = Follow(index, roomKey, BatchMessages - bodies.Count, bodies);
            marks.Add((roomKey, mark));
            followed.Add((roomKey, version, mark.Rev, complete));
        }

        if (marks.Count == 0)
        {
            return false;
        }

        bodies.Sort((a, b) => a.Id.CompareTo(b.Id));
        index.Write(bodies, marks);
        _failing = false;
        foreach (var (roomKey, version, rev, complete) in followed)
        {
            Dirty.Indexed(roomKey, version, rev, complete);
        }

        return true;
    }

    private (IndexMark Mark, bool Complete) Follow(SearchIndex index, long roomKey, int limit, List<(long Id, string? Body)> bodies)
    {
        var mark = index.Mark(roomKey);
        var (row, messages) = ReadSource(() =>
        {
            var found = _source.Rooms.Find(roomKey) ?? throw new InvalidOperationException($"the row of room {roomKey} is gone");
            return (found, found.Closed ? [] : _source.Messages.After(roomKey, mark.Rev, limit));
        });
        var removedSeq = row.Closed ? row.Seq : row.RemovedSeq;
        if (mark.RemovedSeq < removedSeq)
        {
            var ids = index.Range(RowId.Of(roomKey, mark.RemovedSeq + 1), RowId.Of(roomKey, removedSeq), limit);
            bodies.AddRange(ids.Select(id => (id, (string?)null)));
            if (ids.Count == limit)
            {
                return (mark, false);
            }

            mark = mark with { RemovedSeq = removedSeq };
        }

        foreach (var message in messages)
        {
            Follow(index, roomKey, mark, message, bodies);
            mark = mark with { Seq = Math.Max(mark.Seq, message.Seq) };
        }

        return messages.Count == limit
            ? (mark with { Rev = messages[^1].Rev }, false)
            : (mark with { Rev = row.Rev }, true);
    }

    private static void Follow(SearchIndex index, long roomKey, IndexMark mark, Message message, List<(long Id, string? Body)> bodies)
    {
        var id = RowId.Of(roomKey, message.Seq);
        var mayBeThere = message.Seq <= mark.Seq;
        if (message.DeletedAt is not null)
        {
            if (mayBeThere)
            {
                bodies.Add((id, null));
            }
        }
        else if (message.Kind != MessageKind.System && !(mayBeThere && index.Holds(id, message.Body)))
        {
            bodies.Add((id, message.Body));
        }
    }

    // So that every SqliteException left is one of the index.
    private T ReadSource<T>(Func<T> read)
    {
        try
        {
            return _source.Session.Read(read);
        }
        catch (SqliteException error) when (StoreFailures.Translate(error, _options.Path) is { } meaning)
        {
            throw meaning;
        }
    }

    // Of a closed room nothing stays.
    private static long RemovedSeq(RoomRow row) => row.Closed ? row.Seq : row.RemovedSeq;

    /// <summary>Answers whether the index is damaged; then it is made anew.</summary>
    private bool NoteDamage(SqliteException error)
    {
        if (SqliteFailures.Classify(error) != SqliteFailure.Damaged)
        {
            return false;
        }

        _damaged = true;
        Dirty.Wake();
        return true;
    }
}

internal static partial class SearchIndexLog
{
    [LoggerMessage(EventId = 5001, Level = LogLevel.Warning, Message = "The search index {Path} is damaged or does not fit the messages; it is made anew from them")]
    public static partial void Damaged(ILogger logger, string path);

    [LoggerMessage(EventId = 5002, Level = LogLevel.Information, Message = "The search index {Path} is {Messages} changes behind the messages and catches up")]
    public static partial void Behind(ILogger logger, string path, long messages);

    [LoggerMessage(EventId = 5003, Level = LogLevel.Error, Message = "The search index {Path} cannot follow the messages; it tries again every second until it can: {Why}")]
    public static partial void Failed(ILogger logger, string path, string why);

    [LoggerMessage(EventId = 5004, Level = LogLevel.Debug, Message = "Why the search index cannot follow")]
    public static partial void Trace(ILogger logger, Exception error);
}
