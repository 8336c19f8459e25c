using DChat.Core.Messages;
using DChat.Server.Cli;
using DChat.Storage.Postgres;
using DChat.Storage.Postgres.Archive;
using DChat.Storage.Sqlite.Messages;
using DChat.Storage.Sqlite.Messages.Archive;

namespace DChat.Server.Worker;

/// <summary>The message store that the options name.</summary>
internal static class MessageStores
{
    public static IMessageStore Open(ServerOptions options, TimeProvider time, ILoggerFactory logs) => options.Store?.Postgres is { } url
        ? PostgresMessageStore.Open(new PostgresMessageStoreOptions { Url = url }, time, logs.CreateLogger<PostgresMessageStore>())
        : SqliteMessageStore.Open(new SqliteMessageStoreOptions { Path = options.StorePath, Searchers = options.Limits.ConcurrentSearches }, time, logs.CreateLogger<SqliteMessageStore>());

    /// <summary>All of it, for backups and restores.</summary>
    public static IMessageArchive OpenArchive(ServerOptions options, TimeProvider time) => options.Store?.Postgres is { } url
        ? new PostgresMessageArchive(url, time)
        : new SqliteMessageArchive(new SqliteMessageStoreOptions { Path = options.StorePath }, time);
}
