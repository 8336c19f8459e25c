using DChat.Core.Messages;
using DChat.Storage.Postgres;
using DChat.Storage.Tests.Messages;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit.Abstractions;

namespace DChat.Storage.Tests.Postgres;

[Collection(PostgresTests.Name)]
public sealed class PostgresMessageStoreTests(PostgresFixture postgres, ITestOutputHelper output) : MessageStoreSpec(output)
{
    private string? _database;

    protected override async Task<IMessageStore> OpenStoreAsync()
    {
        _database ??= await postgres.Server.CreateDatabaseAsync();
        return PostgresMessageStore.Open(
            new PostgresMessageStoreOptions { Url = PostgresUrl.Parse(postgres.Server.Url(_database)), IndexDelay = TimeSpan.FromMilliseconds(5) },
            TimeProvider.System,
            NullLogger<PostgresMessageStore>.Instance);
    }

    protected override Task DeleteDataAsync() => postgres.Server.DropDatabaseAsync(_database!);
}
