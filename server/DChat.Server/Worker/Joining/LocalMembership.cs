using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Nodes;

namespace DChat.Server.Worker.Joining;

/// <summary>The worker that shares its process with a coordinator: no link, and no waiting for approval.</summary>
internal sealed class LocalMembership(WorkerWatch watch, WorkerAdmissions admissions, NodeSelf self) : IClusterMembership
{
    private readonly NodeHello _hello = self.Hello(NodeServices.Registry);

    public async Task JoinAsync(WorkerApplication application, CancellationToken cancellation)
    {
        watch.ReportedHere(_hello, null);
        var admission = await admissions.AdmitAsync(_hello, application, WorkerState.Active, cancellation);
        if (admission.Error is { } error)
        {
            throw new StartRefusedException($"The worker could not register: {error}.");
        }
    }

    public void Report(WorkerReport report) => watch.ReportedHere(_hello, report);

    public void Leave()
    {
        // The coordinator goes with it.
    }
}
