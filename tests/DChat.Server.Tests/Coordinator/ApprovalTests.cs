using System.Text.Json;
using DChat.Core.Registry;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Nodes;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Coordinator;

public sealed class ApprovalTests
{
    [Fact]
    public async Task Who_waits_for_approval_and_is_lost_meanwhile_waits_for_it_still()
    {
        var secret = Convert.ToBase64String(new byte[ClusterSecret.Size]);
        await using var coordinator = await InProcessServer.StartAsync(options => options with
        {
            Mode = ServerMode.Coordinator,
            NodePort = FreePort.Next(),
            ClusterSecret = secret,
            Admission = WorkerAdmissionMode.Approve,
        });
        var registry = coordinator.Services.GetRequiredService<RegistryReplica>();
        var watch = coordinator.Services.GetRequiredService<WorkerWatch>();
        WorkerState StateOf(string worker) => registry.State.FindWorker(worker)!.State;

        var waiting = await JoinAsync(coordinator, secret, "waiting");
        var approved = await JoinAsync(coordinator, secret, "approved");
        await coordinator.Services.GetRequiredService<IRegistryCommands>().SubmitAsync(new SetWorkerState("", "", 0, "approved", WorkerState.Active), CancellationToken.None);

        // The one that is lost later is found to be dead: so the other, if it were looked at, would have been before.
        await waiting.DisposeAsync();
        await Eventually.Holds(() => watch.Find("waiting") is { ClosedFor: not null });
        await approved.DisposeAsync();
        await Eventually.Holds(() => StateOf("approved") == WorkerState.Gone);
        Assert.Equal(WorkerState.Pending, StateOf("waiting"));

        await using var again = await JoinAsync(coordinator, secret, "waiting");
        await using var also = await JoinAsync(coordinator, secret, "approved");
        Assert.Equal((WorkerState.Pending, WorkerState.Active), (StateOf("waiting"), StateOf("approved")));
    }

    private static async Task<NodeLink> JoinAsync(InProcessServer coordinator, string secret, string worker)
    {
        using var dialer = new NodeDialer(new NodeHandshake(ClusterSecret.Parse(secret, "the test's")), new NodeSelf(worker, "i1", $"{worker}:1", "0"), null, TimeProvider.System);
        var link = await dialer.ConnectAsync(coordinator.Node.Authority, NodeServices.Registry, null, _ => new Deaf(), CancellationToken.None);
        var application = JsonSerializer.SerializeToUtf8Bytes(new WorkerApplication(1, [], null), WorkerJson.Default.WorkerApplication);
        var answer = await link.CallAsync(RegistryMethods.Register, application, Eventually.DefaultLimit, CancellationToken.None);
        Assert.Null(JsonSerializer.Deserialize(answer, WorkerJson.Default.WorkerAdmission)!.Error);
        return link;
    }

    private sealed class Deaf : INodeService
    {
        public ValueTask ReceivedAsync(NodeLink link, NodeMessage message) => default;

        public void Ended(NodeLink link, string why)
        {
        }
    }
}
