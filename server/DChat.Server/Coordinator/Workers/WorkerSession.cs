using System.Text.Json;
using DChat.Core.Registry;
using DChat.Protocol;
using DChat.Server.Nodes;

namespace DChat.Server.Coordinator.Workers;

/// <summary>One worker's link at a coordinator: it is admitted, told the registry, and its commands are carried to the leader.</summary>
internal sealed partial class WorkerSession(
    IRegistryCommands commands,
    RegistryReplica replica,
    RegistryFeed feed,
    WorkerWatch watch,
    WorkerAdmissions admissions,
    ClusterPicture picture,
    IHostApplicationLifetime lifetime,
    ILogger<WorkerSession> log) : INodeService
{
    private readonly CancellationTokenSource _ending = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStopping);
    private bool _isAdmitted;
    private Task _following = Task.CompletedTask;

    public ValueTask ReceivedAsync(NodeLink link, NodeMessage message)
    {
        switch (message.Method)
        {
            case RegistryMethods.Register:
                return RegisterAsync(link, message);
            case RegistryMethods.Follow when _following.IsCompleted:
                link.Reply(message, new PayloadWriter().Number(replica.Index).Written);
                _following = TellAsync(link, new PayloadReader(message.Payload).Number());
                return default;
            case RegistryMethods.Submit when _isAdmitted:
                _ = SubmitAsync(link, message, CommandCodec.Decode(message.Payload));
                return default;
            case RegistryMethods.Report when _isAdmitted:
                watch.Reported(link.Peer, Read(message, WorkerJson.Default.WorkerReport));
                return default;
            case RegistryMethods.Look when _isAdmitted:
                link.Reply(message, picture.Take() is { } status ? JsonSerializer.SerializeToUtf8Bytes(status, ProtocolJson.Wire.ClusterStatus) : []);
                return default;
            case RegistryMethods.Leave when _isAdmitted:
                watch.Left(link.Peer);
                return default;
            default:
                throw new InvalidDataException($"a worker sent {message.Method} out of turn");
        }
    }

    public void Ended(NodeLink link, string why)
    {
        _ending.Cancel();
        watch.Disconnected(link);
    }

    private async ValueTask RegisterAsync(NodeLink link, NodeMessage call)
    {
        var application = Read(call, WorkerJson.Default.WorkerApplication);
        var admission = await admissions.AdmitAsync(link.Peer, application, _ending.Token);
        if (admission.Error is null)
        {
            _isAdmitted = true;
            watch.Connected(link);
            Admitted(log, link.Peer.Node, link.Peer.Address, admission.Epoch);
        }
        else
        {
            NotAdmitted(log, link.Peer.Node, link.Peer.Address, admission.Error);
        }

        link.Reply(call, JsonSerializer.SerializeToUtf8Bytes(admission, WorkerJson.Default.WorkerAdmission));
    }

    private async Task SubmitAsync(NodeLink link, NodeMessage call, Command command)
    {
        try
        {
            var result = await commands.SubmitAsync(command, _ending.Token);
            var outcome = JsonSerializer.SerializeToUtf8Bytes(result.Outcome, WorkerJson.Default.Outcome);
            link.Reply(call, new PayloadWriter().Number(result.Index).Bytes(outcome).Written);
        }
        catch (OperationCanceledException)
        {
            link.Fail(call, "the link ended"); // Whoever waits repeats the command with its id.
        }
    }

    private async Task TellAsync(NodeLink link, long fromIndex)
    {
        await Task.Yield();
        try
        {
            await foreach (var update in feed.FollowAsync(Math.Max(1, fromIndex), _ending.Token))
            {
                if (update is EntryUpdate entry)
                {
                    await link.PostAsync(RegistryMethods.Entry, new PayloadWriter().Number(entry.Index).Bytes(entry.Encoded).WrittenMemory, _ending.Token);
                }
                else
                {
                    await StateStream.SendAsync(link, ((StateUpdate)update).State, _ending.Token);
                }
            }
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            // The link ends.
        }
        catch (Exception failure)
        {
            // Whatever it is, this worker must not stay behind silently: it comes back for the rest.
            NotTold(log, link.Peer.Node, failure);
            link.End(failure.Message);
        }
    }

    private static T Read<T>(NodeMessage message, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(message.Payload, type) ?? throw new InvalidDataException("null came on the link");
        }
        catch (JsonException failure)
        {
            throw new InvalidDataException("what came on the link does not fit its kind", failure);
        }
    }

    [LoggerMessage(2060, LogLevel.Warning, "refused worker {Worker} at {Address}: {Why}")]
    private static partial void NotAdmitted(ILogger log, string worker, string address, string why);

    [LoggerMessage(2061, LogLevel.Information, "worker {Worker} at {Address} takes part with epoch {Epoch}")]
    private static partial void Admitted(ILogger log, string worker, string address, long epoch);

    [LoggerMessage(2062, LogLevel.Warning, "the registry could not be told to {Worker}")]
    private static partial void NotTold(ILogger log, string worker, Exception why);
}
