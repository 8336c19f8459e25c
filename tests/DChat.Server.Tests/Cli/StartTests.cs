using System.Net.Sockets;
using DChat.Server.Cli;
using DChat.TestKit;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace DChat.Server.Tests.Cli;

/// <summary>A start that does not get to its end.</summary>
public sealed class StartTests
{
    [Fact]
    public async Task A_stop_in_the_middle_of_the_start_is_success()
    {
        using var folder = new TemporaryFolder();
        var code = await ServerApp.RunAsync(Options(folder), builder => builder.Services.AddHostedService<StopsTheStart>()).Within();
        Assert.Equal(CommandLine.Success, code);
    }

    [Fact]
    public async Task A_start_that_fails_late_stops_what_had_started_and_logs_no_failure_of_it()
    {
        using var folder = new TemporaryFolder();
        var log = new LogBook();
        var error = await Assert.ThrowsAsync<ConfigurationException>(() => ServerApp.RunAsync(Options(folder), builder =>
        {
            builder.Services.AddHostedService<FindsThePortTaken>();
            InProcessServer.LogTo(builder, log);
        }).Within());
        Assert.Contains("the port is in use", error.Message, StringComparison.Ordinal);
        log.AssertClean();
    }

    private static ServerOptions Options(TemporaryFolder folder) => new() { Data = folder["data"], Port = 0, NodePort = 0 };

    private sealed class StopsTheStart(IHostApplicationLifetime lifetime) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            lifetime.StopApplication();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private sealed class FindsThePortTaken : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) =>
            throw new IOException("taken", new AddressInUseException("taken", new SocketException((int)SocketError.AddressAlreadyInUse)));

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
