using System.Net;
using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Protocol;
using DChat.Server.Cli;
using DChat.Server.Cli.Administration;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Tests.Http;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;
using static DChat.Server.Tests.Http.ApiClient;

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

        var waiting = await AskingWorker.JoinAsync(coordinator, secret, "waiting");
        var approved = await AskingWorker.JoinAsync(coordinator, secret, "approved");
        await coordinator.Services.GetRequiredService<IRegistryCommands>().SubmitAsync(new SetWorkerState("", "", 0, "approved", WorkerState.Active), CancellationToken.None);

        // The one that is lost later is found to be dead: so the other, if it were looked at, would have been before.
        await waiting.DisposeAsync();
        await Eventually.Holds(() => watch.Find("waiting") is { ClosedFor: not null });
        await approved.DisposeAsync();
        await Eventually.Holds(() => StateOf("approved") == WorkerState.Gone);
        Assert.Equal(WorkerState.Pending, StateOf("waiting"));

        await using var again = await AskingWorker.JoinAsync(coordinator, secret, "waiting");
        await using var also = await AskingWorker.JoinAsync(coordinator, secret, "approved");
        Assert.Equal((WorkerState.Pending, WorkerState.Active), (StateOf("waiting"), StateOf("approved")));
    }

    [Fact]
    public async Task A_room_is_moved_to_no_worker_that_waits_and_the_reason_is_said()
    {
        var secret = Convert.ToBase64String(new byte[ClusterSecret.Size]);
        await using var server = await InProcessServer.StartAsync(options => options with { ClusterSecret = secret, Admission = WorkerAdmissionMode.Approve });
        using var api = new ApiClient(server);
        var admin = (await api.LoginAsync("admin", server.AdminPassword)).AccessToken;
        const string Room = "r1";
        var made = await server.Services.GetRequiredService<IRegistryCommands>().SubmitAsync(
            new CreateRoom("c", "admin", 0, Room, "here", null, RoomVisibility.Public, null, ""), CancellationToken.None);
        Assert.True(made.Outcome.IsOk);
        Task<HttpResponseMessage> MoveAsync(string worker) => api.PostAsync($"/api/admin/rooms/{Room}/move", new MoveRoomRequest(worker), admin);

        await using var gateway = await AskingWorker.JoinAsync(server, secret, "gateway");
        var problem = await RefusedAsync(await MoveAsync("gateway"), HttpStatusCode.BadRequest, ErrorCodes.InvalidArgument);
        Assert.Contains("Worker gateway is pending", problem.Detail, StringComparison.Ordinal);

        await NoContentAsync(await api.PostAsync("/api/admin/workers/gateway/approve", token: admin));
        problem = await RefusedAsync(await MoveAsync("gateway"), HttpStatusCode.BadRequest, ErrorCodes.InvalidArgument);
        Assert.Contains("a gateway only", problem.Detail, StringComparison.Ordinal);
        problem = await RefusedAsync(await MoveAsync("nobody"), HttpStatusCode.NotFound, ErrorCodes.NotFound);
        Assert.Contains("dchat-server worker list", problem.Detail, StringComparison.Ordinal);

        using var shown = new StringWriter();
        AdminText.Workers(await ReadAsync<ClusterStatus>(await api.GetAsync("/api/admin/status", admin)), shown);
        Assert.Contains(shown.ToString().Split('\n'), line => line.StartsWith("gateway ", StringComparison.Ordinal) && line.Contains(" gateway ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Who_is_removed_while_it_waits_for_approval_ends_and_both_sides_say_so()
    {
        var secret = Convert.ToBase64String(new byte[ClusterSecret.Size]);
        await using var server = await InProcessServer.StartAsync(options => options with { ClusterSecret = secret, Admission = WorkerAdmissionMode.Approve });
        using var folder = new TemporaryFolder();
        using var api = new ApiClient(server);
        var admin = (await api.LoginAsync("admin", server.AdminPassword)).AccessToken;
        var registry = server.Services.GetRequiredService<RegistryReplica>();
        string? pending = null;
        var (code, output, error) = await ServerProcess.RunAsync(
            ["--mode", "worker", "--coordinators", server.Node.Authority, "--data", folder["worker"], "--blobs", $"file:{folder["blobs"]}", "--port", $"{FreePort.Next()}", "--node-port", $"{FreePort.Next()}"],
            new Dictionary<string, string> { ["DCHAT__CLUSTERSECRET"] = secret },
            async _ =>
            {
                await Eventually.Holds(() => (pending = registry.State.Workers().FirstOrDefault(worker => worker.State == WorkerState.Pending)?.Id) is not null);
                await NoContentAsync(await api.SendAsync(HttpMethod.Delete, $"/api/admin/workers/{pending}", token: admin));
            });
        Assert.Equal(CommandLine.Failure, code);
        Assert.Contains($"refusing to start: This worker ({pending}) was removed from the cluster before it was approved", error, StringComparison.Ordinal);
        Assert.DoesNotContain("takes part", output, StringComparison.Ordinal);
        Assert.DoesNotContain("taking part", output, StringComparison.Ordinal);
        await Eventually.Holds(() => Said($"worker {pending} at ", "which was removed, is gone"));
        Assert.True(Said($"worker {pending} at ", "waits for an administrator's approval"));
        Assert.False(Said($"worker {pending} at ", "takes part"));
        Assert.Null(registry.State.FindWorker(pending!));

        bool Said(params string[] words) => server.Log.Lines.Any(line => words.All(word => line.Contains(word, StringComparison.Ordinal)));
    }
}
