namespace DChat.Storage.Sqlite.Messages;

/// <summary>How a message store in a SQLite file works. The search index lies beside it (<c>messages.search.db</c> beside <c>messages.db</c>).</summary>
public sealed record SqliteMessageStoreOptions
{
    /// <summary>The database file. It and its folder are made when they are missing.</summary>
    public required string Path { get; init; }

    /// <summary>What a commit waits for. Less than <see cref="SqliteSynchronous.Full"/> breaks the promise that an acknowledged message survives.</summary>
    public SqliteSynchronous Synchronous { get; init; } = SqliteSynchronous.Full;

    /// <summary>Connections that read pages, 1 to 64: so many pages are read at once, the others wait.</summary>
    public int Readers { get; init; } = 4;

    /// <summary>Searches at once, 1 to 64; the others wait.</summary>
    public int Searchers { get; init; } = 2;

    /// <summary>
    /// What one search may take; then it answers what it has found, and where to go on. A search of 256 rooms, or half a million messages,
    /// is finished in any case, so zero is allowed.
    /// </summary>
    public TimeSpan SearchBudget { get; init; } = TimeSpan.FromMilliseconds(40);

    /// <summary>How long the search index lets commits gather before it takes them in. Together with the indexing itself this stays below 2 s.</summary>
    public TimeSpan IndexDelay { get; init; } = TimeSpan.FromMilliseconds(200);

    internal string SearchPath => System.IO.Path.ChangeExtension(Path, ".search.db");

    internal void Validate()
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(Path);
        ThrowIfOutside(Readers, nameof(Readers));
        ThrowIfOutside(Searchers, nameof(Searchers));
        ArgumentOutOfRangeException.ThrowIfLessThan(SearchBudget, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(IndexDelay, TimeSpan.Zero);
    }

    private static void ThrowIfOutside(int value, string name)
    {
        if (value is < 1 or > 64)
        {
            throw new ArgumentOutOfRangeException(name, value, "1 to 64 is expected");
        }
    }
}
