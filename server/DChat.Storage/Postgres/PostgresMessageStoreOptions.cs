namespace DChat.Storage.Postgres;

/// <summary>How a message store in PostgreSQL works.</summary>
public sealed record PostgresMessageStoreOptions
{
    /// <summary>Where it is. The tables lie in the schema <c>dchat</c> of its database, made when they are missing.</summary>
    public required PostgresUrl Url { get; init; }

    /// <summary>
    /// What one search may take; then it answers what it has found, and where to go on. Its first steps are taken in any case, so zero is allowed.
    /// </summary>
    public TimeSpan SearchBudget { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>How often the search index looks for commits to follow. Together with the indexing itself this stays below 2 s.</summary>
    public TimeSpan IndexDelay { get; init; } = TimeSpan.FromMilliseconds(200);

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(SearchBudget, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(IndexDelay, TimeSpan.Zero);
    }
}
