using System.Threading.Channels;
using DChat.Core.Messages;
using Microsoft.Data.Sqlite;

namespace DChat.Storage.Sqlite.Messages;

/// <summary>
/// Sessions for reading, lent to one caller at a time. The caller's thread reads: a page takes well under a millisecond,
/// less than a change of threads under load. Whoever finds none free waits without a thread.
/// </summary>
internal sealed class ReaderPool : IAsyncDisposable
{
    private readonly string _path;
    private readonly Channel<MessageTables> _free = Channel.CreateUnbounded<MessageTables>();
    private readonly List<MessageTables> _all = [];

    public ReaderPool(string path, int readers)
    {
        _path = path;
        try
        {
            for (var i = 0; i < readers; i++)
            {
                var tables = MessageTables.Over(SqliteSession.OpenReader(path));
                _all.Add(tables);
                _free.Writer.TryWrite(tables);
            }
        }
        catch
        {
            _all.ForEach(tables => tables.Dispose());
            throw;
        }
    }

    /// <summary>Runs <paramref name="read"/> in one snapshot.</summary>
    public async Task<T> ReadAsync<T>(Func<MessageTables, T> read, CancellationToken cancellation)
    {
        var tables = await RentAsync(cancellation);
        try
        {
            return tables.Session.Read(() => read(tables));
        }
        catch (SqliteException error) when (StoreFailures.Translate(error, _path) is { } meaning)
        {
            throw meaning;
        }
        finally
        {
            _free.Writer.TryWrite(tables);
        }
    }

    /// <summary>Waits for the reads under way: a session must not be closed under its reader.</summary>
    public async ValueTask DisposeAsync()
    {
        for (var i = 0; i < _all.Count; i++)
        {
            (await _free.Reader.ReadAsync()).Dispose();
        }

        _free.Writer.Complete();
    }

    private async ValueTask<MessageTables> RentAsync(CancellationToken cancellation)
    {
        try
        {
            return _free.Reader.TryRead(out var tables) ? tables : await _free.Reader.ReadAsync(cancellation);
        }
        catch (ChannelClosedException)
        {
            throw new ObjectDisposedException(nameof(SqliteMessageStore));
        }
    }
}
