using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Worker.Hub;
using Microsoft.Extensions.Logging;

namespace DChat.Server.Tests.Worker;

/// <summary>What callers are answered when an engine is away, and how often the log says so.</summary>
public sealed class HubFaultsTests
{
    [Fact]
    public void Each_caller_is_answered_and_the_log_says_it_once_a_method()
    {
        var said = new Lines();
        var faults = new HubFaults(TimeProvider.System, said);
        var away = new MessageStoreUnavailableException("it is away", null);

        var answers = Enumerable.Range(0, 100).Select(i => faults.ToError(i % 2 == 0 ? "markRead" : "history", away)).ToList();

        Assert.All(answers, answer => Assert.Equal(ErrorCodes.Unavailable, answer.Code));
        Assert.Equal(["history", "markRead"], said.Of(LogLevel.Warning).Select(line => line[..line.IndexOf(' ', StringComparison.Ordinal)]).Order());
        Assert.All(said.Of(LogLevel.Warning), line => Assert.EndsWith("it is away", line, StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_not_expected_is_logged_each_time()
    {
        var said = new Lines();
        var faults = new HubFaults(TimeProvider.System, said);
        Assert.All([1, 2], _ => Assert.Equal(ErrorCodes.Unavailable, faults.ToError("history", new InvalidOperationException()).Code));
        Assert.Equal(2, said.Of(LogLevel.Error).Count());
    }

    private sealed class Lines : ILogger<HubFaults>
    {
        private readonly List<(LogLevel Level, string Line)> _lines = [];

        public IEnumerable<string> Of(LogLevel level) => _lines.Where(line => line.Level == level).Select(line => line.Line);

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _lines.Add((logLevel, formatter(state, exception)));
    }
}
