using DChat.Core.Messages;
using DChat.Storage.Postgres;
using DChat.Storage.Postgres.Archive;
using DChat.Storage.Sqlite.Messages;
using DChat.Storage.Sqlite.Messages.Archive;
using DChat.Storage.Tests.Postgres;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Storage.Tests.Archive;

/// <summary>A message store of either engine, as a server and as a backup see it.</summary>
internal sealed class ArchiveStore(PostgresFixture postgres, bool isPostgres) : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private string? _database;

    public string Path => _folder["messages.db"];

    public async Task<IMessageStore> OpenAsync() => isPostgres
        ? PostgresMessageStore.Open(
            new PostgresMessageStoreOptions { Url = await UrlAsync(), IndexDelay = TimeSpan.FromMilliseconds(5) }, TimeProvider.System, NullLogger<PostgresMessageStore>.Instance)
        : SqliteMessageStore.Open(
            new SqliteMessageStoreOptions { Path = Path, IndexDelay = TimeSpan.FromMilliseconds(5) }, TimeProvider.System, NullLogger<SqliteMessageStore>.Instance);

    public async Task<IMessageArchive> ArchiveAsync() => isPostgres
        ? new PostgresMessageArchive(await UrlAsync(), TimeProvider.System)
        : new SqliteMessageArchive(new SqliteMessageStoreOptions { Path = Path }, TimeProvider.System);

    public async ValueTask DisposeAsync()
    {
        if (_database is not null)
        {
            await postgres.Server.DropDatabaseAsync(_database);
        }

        _folder.Dispose();
    }

    /// <summary>What somebody else does in the database, beside.</summary>
    public Task ExecuteAsync(string sql) => postgres.Server.ExecuteAsync(_database!, "SET search_path = dchat; " + sql);

    private async Task<PostgresUrl> UrlAsync() => PostgresUrl.Parse(postgres.Server.Url(_database ??= await postgres.Server.CreateDatabaseAsync()));
}
