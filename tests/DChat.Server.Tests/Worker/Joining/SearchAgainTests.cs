using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Nodes;
using DChat.Server.Tests.Nodes;
using DChat.Server.Worker.Joining;
using DChat.TestKit;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Server.Tests.Worker.Joining;

/// <summary>A worker that was refused for good looks for a coordinator seldom, but at once when others hear one. By a clock that stands: it never looks by itself.</summary>
public sealed class SearchAgainTests
{
    [Fact]
    public async Task Whoever_was_refused_for_good_comes_back_as_soon_as_others_hear_a_coordinator()
    {
        var port = FreePort.Next();
        var self = new NodeSelf("w", "i", "w:9000", "0");
        var replica = new RegistryReplica(TimeProvider.System);
        using var drain = new OwnDrain(replica, self);
        using var dialer = new NodeDialer(new NodeHandshake(Secret(2)), self, null, TimeProvider.System);
        var lifetime = new ApplicationLifetime(NullLogger<ApplicationLifetime>.Instance);
        using var halt = new RegistryHalt(NullLogger<RegistryHalt>.Instance);
        using var link = new CoordinatorLink(
            dialer, self, new CoordinatorAddresses($"127.0.0.1:{port}"), replica, drain, halt, lifetime, new StandingTime(), NullLogger<CoordinatorLink>.Instance);
        var joining = link.JoinAsync(new WorkerApplication(0, [], null), CancellationToken.None);
        await using (await StartAsync(port, secret: 1))
        {
            await link.StartAsync(CancellationToken.None);
            await link.SearchAsync().Within();
            await link.SearchAsync().Within();
            Assert.False(link.HearsCoordinator);
        }

        await using var mended = await StartAsync(port, secret: 2);
        _ = link.SearchAsync();
        await joining.Within();
        Assert.True(link.HearsCoordinator);
        await link.StopAsync(CancellationToken.None).Within();
    }

    private static ClusterSecret Secret(byte fill) => LinkPair.Secret(fill);

    private static Task<InProcessServer> StartAsync(int port, byte secret) => InProcessServer.StartAsync(options => options with
    {
        Mode = ServerMode.Coordinator,
        NodePort = port,
        ClusterSecret = Convert.ToBase64String(Enumerable.Repeat(secret, ClusterSecret.Size).ToArray()),
    });

    private sealed class StandingTime : TimeProvider
    {
        public override long GetTimestamp() => 0;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }
}
