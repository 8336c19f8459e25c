using DChat.Core.Messages;
using DChat.Server.Cli;
using DChat.Storage.Postgres;
using DChat.Storage.Sqlite.Messages;

namespace DChat.Server.Worker;

/// <summary>The message store that the options name.</summary>
internal static class MessageStores
{
    public static IMessageStore Open(ServerOptions options, TimeProvider time, ILoggerFactory logs) => options.Store?.Postgres is { } url
        ? PostgresMessageStore.Open(new PostgresMessageStoreOptions { Url = url }, time, logs.CreateLogger<PostgresMessageStore>())
        : SqliteMessageStore.Open(new SqliteMessageStoreOptions { Path = options.StorePath, Searchers = options.Limits.ConcurrentSearches }, time, logs.CreateLogger<SqliteMessageStore>());
}
