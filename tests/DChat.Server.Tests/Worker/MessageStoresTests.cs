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
        using var lines = new Lines();
        using var logs = LoggerFactory.Create(logging => logging.AddProvider(lines));
        var options = new ServerOptions { Store = EngineUrl.Of(PostgresUrl.Parse(postgres.Url(database))) };
        var opening = Task.Run(() => MessageStores.Open(options, TimeProvider.System, logs));
        await lines.Waits.Task.Within();
        Assert.False(opening.IsCompleted);
        await postgres.ExecuteAsync("postgres", $"ALTER DATABASE {database} ALLOW_CONNECTIONS true");
        await using var store = await opening.Within();
        await store.CheckAsync(default);
    }

    private sealed class Lines : ILoggerProvider, ILogger
    {
        public TaskCompletionSource Waits { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (formatter(state, exception).Contains("waits for the message store", StringComparison.Ordinal))
            {
                Waits.TrySetResult();
            }
        }

        public void Dispose()
        {
        }
    }
}
