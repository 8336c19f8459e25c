using DChat.Server.Cli;
using DChat.Server.Observability;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace DChat.Server.Tests.Observability;

/// <summary>A server whose standard output nobody reads.</summary>
public sealed class UnreadLogTests
{
    [Theory]
    [InlineData(LogFormat.Text)]
    [InlineData(LogFormat.Json)]
    public void Nobody_who_logs_waits_for_it(LogFormat format)
    {
        var builder = WebApplication.CreateBuilder();
        builder.AddObservability(new ServerOptions { LogFormat = format });
        using var services = builder.Services.BuildServiceProvider();

        Assert.Equal(ConsoleLoggerQueueFullMode.DropWrite, services.GetRequiredService<IOptions<ConsoleLoggerOptions>>().Value.QueueFullMode);
    }
}
