using Microsoft.Extensions.Logging;

namespace DChat.TestKit;

/// <summary>Writes lines as the server's own text format does, so that <see cref="LogBook"/> reads both alike.</summary>
public sealed class LogBookProvider(LogBook log) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new Writer(log, categoryName);

    public void Dispose()
    {
    }

    private sealed class Writer(LogBook log, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var level = logLevel switch
            {
                LogLevel.Error => "fail",
                LogLevel.Critical => "crit",
                _ => logLevel.ToString().ToLowerInvariant(),
            };
            log.Write($"2000-01-01T00:00:00.000Z {level}: {category}[{eventId.Id}] {formatter(state, exception)} {exception}");
        }
    }
}
