using Microsoft.Data.Sqlite;

namespace DChat.Storage.Sqlite.Messages.Search;

/// <summary>A reading session on the search index.</summary>
internal sealed class SearchSession : IDisposable
{
    private readonly SqliteSession _session;
    private readonly SqliteStatement _find;

    private SearchSession(SqliteSession session)
    {
        _session = session;
        _find = session.Prepare("SELECT rowid FROM search WHERE search MATCH ?1 AND rowid BETWEEN ?2 AND ?3 ORDER BY rowid DESC LIMIT ?4");
    }

    public static SearchSession Open(string path)
    {
        var session = SqliteSession.OpenReader(path);
        try
        {
            return new SearchSession(session);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>The seqs of a room's messages that match, newest first.</summary>
    /// <exception cref="SearchIndexException">The index cannot be read.</exception>
    public List<long> Find(string expression, long roomKey, long fromSeq, long toSeq, int limit)
    {
        var seqs = new List<long>();
        _find.Bind(1, expression).Bind(2, RowId.Of(roomKey, fromSeq)).Bind(3, RowId.Of(roomKey, toSeq)).Bind(4, limit);
        try
        {
            while (_find.Step())
            {
                seqs.Add(RowId.Seq(_find.Int64(0)));
            }
        }
        catch (SqliteException error)
        {
            throw new SearchIndexException(error);
        }

        return seqs;
    }

    public void Dispose() => _session.Dispose();
}

/// <summary>An error of the index, so that nobody takes it for one of the messages, which are read in the same breath.</summary>
internal sealed class SearchIndexException(SqliteException error) : Exception(error.Message, error)
{
    public SqliteException Error => error;
}
