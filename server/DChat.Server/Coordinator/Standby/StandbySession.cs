using System.Text.Json;
using DChat.Core.Registry;
using DChat.Protocol;
using DChat.Server.Coordinator.Workers;
using DChat.Server.EtcdMembers;
using DChat.Server.Nodes;

namespace DChat.Server.Coordinator.Standby;

/// <summary>One standby's link at the leader. It ends with the leader's term; what comes over it is never passed on again.</summary>
internal sealed class StandbySession : INodeService
{
    private readonly CoordinatorService _coordinator;
    private readonly ClusterPicture _picture;
    private readonly StandbyWatch _watch;
    private readonly MemberChanges? _members;
    private readonly CancellationTokenSource _ending;
    private readonly CancellationToken _ended;
    private CancellationTokenRegistration? _untilTermEnds;

    public StandbySession(CoordinatorService coordinator, ClusterPicture picture, StandbyWatch watch, IHostApplicationLifetime lifetime, MemberChanges? members = null)
    {
        (_coordinator, _picture, _watch, _members) = (coordinator, picture, watch, members);
        _ending = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStopping);
        _ended = _ending.Token; // To be asked for after the end, too.
    }

    public ValueTask ReceivedAsync(NodeLink link, NodeMessage message)
    {
        switch (message.Method)
        {
            case StandbyMethods.Submit:
                _ = SubmitAsync(link, message);
                return default;
            case StandbyMethods.Look:
                link.Reply(message, _picture.Take() is { } status ? JsonSerializer.SerializeToUtf8Bytes(status, ProtocolJson.Wire.ClusterStatus) : []);
                return default;
            case StandbyMethods.Members:
                _ = ChangeMembersAsync(link, message);
                return default;
            case StandbyMethods.Report:
                var report = new PayloadReader(message.Payload);
                _watch.Reported(link, report.Number(), report.IsAtEnd ? null : report.Number(), report.IsAtEnd ? null : report.Number(), !report.IsAtEnd && report.Flag(), !report.IsAtEnd && report.Flag());
                _untilTermEnds ??= _coordinator.WhenTermEnds(() => link.End(CoordinatorService.LeadsNoMore));
                return default;
            default:
                throw new InvalidDataException($"a standby sent {message.Method} out of turn");
        }
    }

    public void Ended(NodeLink link, string why)
    {
        _untilTermEnds?.Dispose();
        _ending.Cancel();
        _ending.Dispose(); // Else the process would hold on to every link that ever was.
        _watch.Ended(link);
    }

    private async Task SubmitAsync(NodeLink link, NodeMessage call)
    {
        try
        {
            link.Reply(call, CommandAnswer.Encode(await _coordinator.DecideFromAsync(link.Peer, CommandCodec.Decode(call.Payload), _ended)));
        }
        catch (InvalidDataException failure)
        {
            link.Fail(call, failure.Message); // Of a newer standby: the link has other commands to carry.
        }
        catch (OperationCanceledException)
        {
            link.Fail(call, "the link ended"); // Whoever waits repeats the command with its id.
        }
    }

    private async Task ChangeMembersAsync(NodeLink link, NodeMessage call)
    {
        try
        {
            var request = JsonSerializer.Deserialize(call.Payload, MemberJson.Default.EtcdMemberRequest) ?? throw new JsonException("null came on the link");
            link.Reply(call, JsonSerializer.SerializeToUtf8Bytes(await MemberChanges.CarryOutAsync(_members, request, _ended), MemberJson.Default.EtcdMemberAnswer));
        }
        catch (JsonException failure)
        {
            link.Fail(call, failure.Message);
        }
        catch (OperationCanceledException)
        {
            link.Fail(call, "the link ended");
        }
    }
}
