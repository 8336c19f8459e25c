using DChat.Core.Registry;
using DChat.Protocol;
using DChat.Server.Worker.Joining;

namespace DChat.Server.Http.Administration;

/// <summary>The cluster at a glance, and its workers, for administrators.</summary>
internal sealed class ClusterAdministration(IClusterMembership membership, RegistryWrites registry) : IApiEndpoints
{
    public void Map(ApiRouter router)
    {
        router.Get("/api/admin/status", ApiAccess.Administrator, async call =>
            ApiCall.Json(await membership.LookAsync(call.Aborted) ?? throw NotNow(), ProtocolJson.Wire.ClusterStatus));
        router.Post("/api/admin/workers/{worker}/approve", ApiAccess.Administrator, call => SetAsync(call, WorkerState.Active, from: WorkerState.Pending));
        router.Post("/api/admin/workers/{worker}/drain", ApiAccess.Administrator, call => SetAsync(call, WorkerState.Draining, from: WorkerState.Active));
        router.Delete("/api/admin/workers/{worker}", ApiAccess.Administrator, async call =>
        {
            var worker = await FindAsync(call);
            if (worker.State is WorkerState.Active or WorkerState.Draining)
            {
                throw new ApiException(ErrorCodes.Forbidden, $"The worker {worker.Id} is {worker.State.ToString().ToLowerInvariant()}: stop it first, or drain it.");
            }

            await registry.CommitAsync(new RemoveWorker(RegistryWrites.NewCommandId(), call.User, registry.Now, worker.Id), call.Aborted);
            return Results.NoContent();
        });
    }

    private async Task<IResult> SetAsync(ApiCall call, WorkerState to, WorkerState from)
    {
        var worker = await FindAsync(call);
        if (worker.State != to && worker.State != from)
        {
            throw new ApiException(ErrorCodes.InvalidArgument, $"The worker {worker.Id} is {worker.State.ToString().ToLowerInvariant()}.");
        }

        await registry.CommitAsync(new SetWorkerState(RegistryWrites.NewCommandId(), call.User, registry.Now, worker.Id, to), call.Aborted);
        return Results.NoContent();
    }

    /// <summary>A worker as the leader knows it: an administrator may have seen it there a moment ago.</summary>
    private async Task<DChat.Core.Registry.Worker> FindAsync(ApiCall call)
    {
        await registry.CatchUpAsync((await membership.LookAsync(call.Aborted) ?? throw NotNow()).Index, call.Aborted);
        return registry.State.FindWorker(call.Route("worker")) ?? throw new ApiException(ErrorCodes.NotFound, $"There is no worker {call.Route("worker")}.");
    }

    private static ApiException NotNow() => new(ErrorCodes.Unavailable, "No coordinator leads that can be reached; rooms that run go on.");
}
