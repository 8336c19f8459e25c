using DChat.Server.Cli;
using DChat.Server.Worker;
using DChat.Storage.Postgres;
using DChat.TestKit;
using Microsoft.Extensions.Logging;

namespace DChat.Server.Tests.Worker;

public sealed class MessageStoresTests
{
    [Fact]
    public async Task A_database_that_lets_nobody_in_when_it_is_opened_is_waited_for()
    {
        await using var postgres = await PostgresServer.StartAsync();
        var database = await postgres.CreateDatabaseAsync();
        await postgres.ExecuteAsync("postgres", $"ALTER DATABASE {database} ALLOW_CONNECTIONS false");
        var log = new LogBook();
        using var logs = LoggerFactory.Create(logging => logging.AddProvider(new LogBookProvider(log)));
        var options = new ServerOptions { Store = EngineUrl.Of(PostgresUrl.Parse(postgres.Url(database))) };
        var opening = Task.Run(() => MessageStores.Open(options, TimeProvider.System, logs));
        await Eventually.Holds(() => log.Lines.Any(line => line.Contains("the start waits for the message store", StringComparison.Ordinal)));
        Assert.False(opening.IsCompleted);
        await postgres.ExecuteAsync("postgres", $"ALTER DATABASE {database} ALLOW_CONNECTIONS true");
        await using var store = await opening.Within();
        await store.CheckAsync(default);
    }
}
