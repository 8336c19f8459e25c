using DChat.Core.Messages;
using DChat.Server.Cli;
using DChat.Storage.Postgres;
using DChat.Storage.Postgres.Archive;
using DChat.Storage.Sqlite.Messages;
using DChat.Storage.Sqlite.Messages.Archive;

namespace DChat.Server.Worker;

/// <summary>The message store that the options name.</summary>
internal static partial class MessageStores
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>A PostgreSQL that cannot be used is waited for, as long as a start waits for one.</summary>
    /// <exception cref="MessageStoreUnavailableException">It still cannot be used.</exception>
    public static IMessageStore Open(ServerOptions options, TimeProvider time, ILoggerFactory logs) => options.Store?.Postgres is { } url
        ? Open(new PostgresMessageStoreOptions { Url = url }, time, logs.CreateLogger<PostgresMessageStore>())
        : SqliteMessageStore.Open(new SqliteMessageStoreOptions { Path = options.StorePath, Searchers = options.Limits.ConcurrentSearches }, time, logs.CreateLogger<SqliteMessageStore>());

    /// <summary>All of it, for backups and restores.</summary>
    public static IMessageArchive OpenArchive(ServerOptions options, TimeProvider time) => options.Store?.Postgres is { } url
        ? new PostgresMessageArchive(url, time)
        : new SqliteMessageArchive(new SqliteMessageStoreOptions { Path = options.StorePath }, time);

    /// <summary>It was looked at a moment ago, and may be away, or too slow, by now.</summary>
    private static PostgresMessageStore Open(PostgresMessageStoreOptions options, TimeProvider time, ILogger<PostgresMessageStore> log)
    {
        var began = time.GetTimestamp();
        for (var isSaid = false; ; isSaid = true)
        {
            try
            {
                return PostgresMessageStore.Open(options, time, log);
            }
            catch (MessageStoreUnavailableException error) when (time.GetElapsedTime(began) < PostgresProbe.StartPatience)
            {
                if (!isSaid)
                {
                    Waits(log, error.Message);
                }
            }

            Task.Delay(Pause, time).GetAwaiter().GetResult(); // As the rest of a start, it is done by the thread that starts.
        }
    }

    [LoggerMessage(1012, LogLevel.Warning, "the start waits for the message store: {Why}")]
    private static partial void Waits(ILogger log, string why);
}
