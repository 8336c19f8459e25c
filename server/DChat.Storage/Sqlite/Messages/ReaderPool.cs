using System.Threading.Channels;
using DChat.Core.Messages;
using Microsoft.Data.Sqlite;

namespace DChat.Storage.Sqlite.Messages;

/// <summary>
/// Sessions for reading, lent to one caller at a time. The caller's thread reads: a page takes well under a millisecond,
/// less than a change of threads under load. Whoever finds none free waits without a thread.
/// </summary>
internal sealed class ReaderPool : IDisposable
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
            Dispose();
            throw;
        }
    }

    /// <summary>Runs <paramref name="read"/> in one snapshot.</summary>
    public async Task<T> ReadAsync<T>(Func<MessageTables, T> read, CancellationToken cancellation)
    {
        if (!_free.Reader.TryRead(out var tables))
        {
            tables = await _free.Reader.ReadAsync(cancellation);
        }

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

    public void Dispose()
    {
        foreach (var tables in _all)
        {
            tables.Dispose();
        }
    }
}
