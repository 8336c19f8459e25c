using System.Net.Sockets;
using DChat.Server.Cli;
using DChat.Storage.Etcd;
using DChat.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

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

    [Theory]
    [InlineData(null)]
    [InlineData("without TLS at *", "--node-host", "*")]
    [InlineData("without TLS at 10.0.0.1:9000", "--advertise", "10.0.0.1:9000")]
    [InlineData("of chat is sent to etcd at 10.0.0.1:2379 without TLS", "--log", "etcd://chat@10.0.0.1/dchat")]
    [InlineData(null, "--log", "etcd://chat@127.0.0.1,localhost,[::1]/dchat")]
    [InlineData(null, "--log", "etcd://chat@10.0.0.1/dchat?tls=on")]
    [InlineData(null, "--log", "etcd://10.0.0.1/dchat")]
    [InlineData(null, "--node-host", "*", "--node-tls-certificate", "c")]
    public void What_leaves_this_machine_unencrypted_is_said(string? says, params string[] flags)
    {
        using var folder = new TemporaryFolder();
        var given = flags.Chunk(2).ToDictionary(pair => pair[0], pair => pair[1]);
        var options = Options(folder) with
        {
            NodeHost = given.GetValueOrDefault("--node-host", "127.0.0.1"),
            Advertise = given.GetValueOrDefault("--advertise"),
            Log = given.TryGetValue("--log", out var log) ? EngineUrl.Of(EtcdUrl.Parse(log)) : null,
            NodeTlsCertificate = given.GetValueOrDefault("--node-tls-certificate"),
        };
        var said = new LogBook();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        InProcessServer.LogTo(builder, said);
        using (var logs = builder.Services.BuildServiceProvider())
        {
            Plaintext.Warn(logs.GetRequiredService<ILoggerFactory>().CreateLogger("start"), options);
        }

        Assert.Equal(says is null ? 0 : 1, said.Lines.Count);
        Assert.All(said.Lines, line => Assert.Contains(says!, line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task It_is_said_by_the_start()
    {
        using var folder = new TemporaryFolder();
        var log = new LogBook();
        await ServerApp.RunAsync(Options(folder) with { NodeHost = "*" }, builder =>
        {
            builder.Services.AddHostedService<StopsTheStart>();
            InProcessServer.LogTo(builder, log);
        }).Within();
        Assert.Contains(log.Lines, line => line.Contains("--node-tls-certificate", StringComparison.Ordinal));
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
