using System.Text.Json;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Nodes;
using DChat.TestKit;

namespace DChat.Server.Tests.Coordinator;

/// <summary>A worker of which there is no more than its link to the coordinator: it asks to take part, and hears nothing.</summary>
internal sealed class AskingWorker : INodeService
{
    private AskingWorker()
    {
    }

    /// <summary>The link of one that the coordinator has registered; what it may do is the coordinator's to say. Its address leads nowhere.</summary>
    /// <param name="secret">The cluster's.</param>
    /// <param name="store">The id of its message store; null: it is a gateway only.</param>
    public static async Task<NodeLink> JoinAsync(InProcessServer coordinator, string secret, string worker, string? store = null)
    {
        var (link, admission) = await AskAsync(coordinator, secret, worker, "i1", store);
        Assert.Null(admission.Error);
        return link;
    }

    /// <summary>The link of one that asks to take part, and what it is answered.</summary>
    /// <inheritdoc cref="JoinAsync"/>
    public static async Task<(NodeLink Link, WorkerAdmission Admission)> AskAsync(InProcessServer coordinator, string secret, string worker, string incarnation, string? store = null)
    {
        using var dialer = new NodeDialer(new NodeHandshake(ClusterSecret.Parse(secret, "the test's")), new NodeSelf(worker, incarnation, $"{worker}:1", "0"), null, TimeProvider.System);
        var link = await dialer.ConnectAsync(coordinator.Node.Authority, NodeServices.Registry, null, _ => new AskingWorker(), CancellationToken.None);
        var application = JsonSerializer.SerializeToUtf8Bytes(new WorkerApplication(1, [], store), WorkerJson.Default.WorkerApplication);
        var answer = await link.CallAsync(RegistryMethods.Register, application, Eventually.DefaultLimit, CancellationToken.None);
        return (link, JsonSerializer.Deserialize(answer, WorkerJson.Default.WorkerAdmission)!);
    }

    public ValueTask ReceivedAsync(NodeLink link, NodeMessage message) => default;

    public void Ended(NodeLink link, string why)
    {
    }
}
