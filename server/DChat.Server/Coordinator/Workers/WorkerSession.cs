using System.Text.Json;
using DChat.Core.Registry;
using DChat.Protocol;
using DChat.Server.EtcdMembers;
using DChat.Server.Nodes;

namespace DChat.Server.Coordinator.Workers;

/// <summary>
/// One worker's link at a coordinator: it is told the registry and who leads, and its commands are carried to the leader. The leader admits it,
/// and ends the link with its term: the worker then looks for the next leader.
/// </summary>
internal sealed partial class WorkerSession : INodeService
{
    private readonly CoordinatorService _coordinator;
    private readonly RegistryReplica _replica;
    private readonly RegistryFeed _feed;
    private readonly WorkerWatch _watch;
    private readonly WorkerAdmissions _admissions;
    private readonly ClusterPicture _picture;
    private readonly MemberChanges? _members;
    private readonly ILogger<WorkerSession> _log;
    private readonly CancellationTokenSource _ending;
    private readonly CancellationToken _ended;
    private bool _isAdmitted;
    private CancellationTokenRegistration? _untilTermEnds;
    private CancellationTokenRegistration? _untilParked;
    private Task _following = Task.CompletedTask;

    public WorkerSession(
        CoordinatorService coordinator, RegistryReplica replica, RegistryFeed feed, WorkerWatch watch, WorkerAdmissions admissions, ClusterPicture picture,
        IHostApplicationLifetime lifetime, ILogger<WorkerSession> log, MemberChanges? members = null)
    {
        (_coordinator, _replica, _feed, _watch, _admissions, _picture, _log, _members) = (coordinator, replica, feed, watch, admissions, picture, log, members);
        _ending = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStopping);
        _ended = _ending.Token; // To be asked for after the end, too.
    }

    public ValueTask ReceivedAsync(NodeLink link, NodeMessage message)
    {
        switch (message.Method)
        {
            case RegistryMethods.Who when _coordinator.WhyParked is { } why:
                link.Fail(message, why);
                return default;
            case RegistryMethods.Who:
                link.Reply(message, new PayloadWriter().Flag(_coordinator.IsLeader).Text(_coordinator.LeaderAddress ?? "").Flag(_coordinator.ReachesLeader).Written);
                return default;
            case RegistryMethods.Register:
                return RegisterAsync(link, message);
            case RegistryMethods.Follow when _following.IsCompleted:
                Follow(link, message);
                return default;
            case RegistryMethods.Submit:
                _ = SubmitAsync(link, message);
                return default;
            case RegistryMethods.Report when _isAdmitted:
                _watch.Reported(link.Peer, Read(message, WorkerJson.Default.WorkerReport));
                return default;
            case RegistryMethods.Look:
                _ = LookAsync(link, message);
                return default;
            case RegistryMethods.Members:
                _ = AskMembersAsync(link, message, Read(message, MemberJson.Default.EtcdMemberRequest));
                return default;
            case RegistryMethods.Leave when _isAdmitted:
                _watch.Left(link.Peer);
                return default;
            default:
                throw new InvalidDataException($"a worker sent {message.Method} out of turn");
        }
    }

    public void Ended(NodeLink link, string why)
    {
        _untilTermEnds?.Dispose();
        _untilParked?.Dispose();
        _ending.Cancel();
        _ending.Dispose(); // Else the process would hold on to every link that ever was.
        _watch.Disconnected(link);
        if (_isAdmitted && _replica.State.FindWorker(link.Peer.Node) is null)
        {
            RemovedLeft(_log, link.Peer.Node, link.Peer.Address);
        }
    }

    private async ValueTask RegisterAsync(NodeLink link, NodeMessage call)
    {
        var application = Read(call, WorkerJson.Default.WorkerApplication);
        if (!_coordinator.IsLeader)
        {
            link.End(CoordinatorService.LeadsNoMore); // It did a moment ago, when the worker asked.
            return;
        }

        _untilTermEnds ??= _coordinator.WhenTermEnds(() => link.End(CoordinatorService.LeadsNoMore));
        var admission = await _admissions.AdmitAsync(link.Peer, application, _ended);
        if (admission.Error is null)
        {
            _isAdmitted = true;
            _watch.Connected(link);
            if (_replica.State.FindWorker(link.Peer.Node) is { State: WorkerState.Pending })
            {
                Pends(_log, link.Peer.Node, link.Peer.Address);
            }
            else
            {
                Admitted(_log, link.Peer.Node, link.Peer.Address, admission.Epoch);
            }
        }
        else
        {
            NotAdmitted(_log, link.Peer.Node, link.Peer.Address, admission.Error);
        }

        link.Reply(call, JsonSerializer.SerializeToUtf8Bytes(admission, WorkerJson.Default.WorkerAdmission));
    }

    /// <summary>Whoever holds another entry than this coordinator would apply what it is told upon another registry, and is told nothing.</summary>
    private void Follow(NodeLink link, NodeMessage call)
    {
        _untilParked ??= _coordinator.WhenParked(() => link.End(_coordinator.WhyParked!));
        var asked = new PayloadReader(call.Payload);
        var from = asked.Number();
        var differs = !asked.IsAtEnd && _feed.HasAnother(from - 1, asked.Bytes().Span);
        link.Reply(call, new PayloadWriter().Number(_replica.Index).Flag(differs).Written);
        if (!differs)
        {
            _following = TellAsync(link, from);
        }
    }

    private async Task SubmitAsync(NodeLink link, NodeMessage call)
    {
        try
        {
            link.Reply(call, CommandAnswer.Encode(await _coordinator.SubmitFromAsync(link.Peer, CommandCodec.Decode(call.Payload), _ended)));
        }
        catch (InvalidDataException failure)
        {
            link.Fail(call, failure.Message); // Of a newer worker, which waits for a newer leader; its link has other commands to carry.
        }
        catch (OperationCanceledException)
        {
            link.Fail(call, "the link ended"); // Whoever waits repeats the command with its id.
        }
    }

    private async Task LookAsync(NodeLink link, NodeMessage call)
    {
        try
        {
            link.Reply(call, _picture.Take() is { } status ? JsonSerializer.SerializeToUtf8Bytes(status, ProtocolJson.Wire.ClusterStatus)
                : await _coordinator.LookAtLeaderAsync(_ended));
        }
        catch (OperationCanceledException)
        {
            link.Fail(call, "the link ended");
        }
    }

    /// <summary>Who the members are any coordinator tells, also where none leads; the one that leads changes it.</summary>
    private async Task AskMembersAsync(NodeLink link, NodeMessage call, EtcdMemberRequest request)
    {
        try
        {
            var passedOn = request.Replacement is null ? null : await _coordinator.ChangeMembersAtLeaderAsync(call.Payload, _ended);
            link.Reply(call, passedOn ?? JsonSerializer.SerializeToUtf8Bytes(await MemberChanges.CarryOutAsync(_members, request, _ended), MemberJson.Default.EtcdMemberAnswer));
        }
        catch (OperationCanceledException)
        {
            link.Fail(call, "the link ended");
        }
    }

    private async Task TellAsync(NodeLink link, long fromIndex)
    {
        await Task.Yield();
        try
        {
            await foreach (var update in _feed.FollowAsync(Math.Max(1, fromIndex), _ended))
            {
                if (update is EntryUpdate entry)
                {
                    await link.PostAsync(RegistryMethods.Entry, new PayloadWriter().Number(entry.Index).Bytes(entry.Encoded).WrittenMemory, _ended);
                }
                else
                {
                    await StateStream.SendAsync(link, ((StateUpdate)update).State, _ended);
                }
            }
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
            // The link ends.
        }
        catch (Exception failure)
        {
            // Whatever it is, this worker must not stay behind silently: it comes back for the rest.
            NotTold(_log, link.Peer.Node, failure.Message);
            NotToldTrace(_log, failure);
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

    [LoggerMessage(2064, LogLevel.Warning, "worker {Worker} at {Address} waits for an administrator's approval: dchat-server worker approve {Worker}")]
    private static partial void Pends(ILogger log, string worker, string address);

    [LoggerMessage(2065, LogLevel.Information, "worker {Worker} at {Address}, which was removed, is gone")]
    private static partial void RemovedLeft(ILogger log, string worker, string address);

    [LoggerMessage(2062, LogLevel.Warning, "the registry could not be told to {Worker}; its link ends, and it comes back for the rest: {Why}")]
    private static partial void NotTold(ILogger log, string worker, string why);

    [LoggerMessage(2063, LogLevel.Debug, "why the registry could not be told")]
    private static partial void NotToldTrace(ILogger log, Exception why);
}
