using BenchmarkDotNet.Attributes;
using DChat.Protocol;
using DChat.Server.Worker.Host;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Protocol;
using Microsoft.Extensions.Options;
using Stored = DChat.Core.Messages;

namespace DChat.Benchmarks.Micro;

/// <summary>What it costs to write events of new messages as a client reads them. Figures are for one record of so many events.</summary>
[MemoryDiagnoser]
public class EventBenchmarks
{
    private const string Room = "0123456789abcdefghij";
    private const string Body = "The quick brown fox jumps over the lazy dog, as it does in every office every day.";

    private readonly JsonHubProtocol _signalR = new(Options.Create(new JsonHubProtocolOptions { PayloadSerializerOptions = ProtocolJson.Wire.Options }));
    private readonly HostedRoom _room = new(Room);
    private readonly RoomPublisher _publisher = new(new HostLoad());
    private InvocationMessage _invocation = null!;
    private Stored.ChangeResult[] _results = [];

    /// <summary>Events in one record.</summary>
    [Params(1, 20)]
    public int Batch { get; set; } = 1;

    [GlobalSetup]
    public void Fill()
    {
        Stored.RoomEvent[] events = [.. Enumerable.Range(1, Batch).Select(rev => new Stored.RoomEvent(
            rev,
            Stored.RoomEventKind.Posted,
            new Stored.Message(rev, rev, Stored.MessageKind.Text, "somebody", $"abcdefgh.12.{rev}", 1_700_000_000_000, Body, null, null, null, [], [], [])))];
        _invocation = new InvocationMessage(
            HubEvents.Events,
            [new RoomEvents(Room, [.. events.Select(each => new RoomEvent(each.Rev, EventKinds.Posted, ToContract(each.Message)))])]);
        _results = [.. events.Select(each => new Stored.ChangeResult(Stored.ChangeRefusal.None, new Stored.ChangeAnswer(each.Rev, each.Rev, 0), each))];
    }

    /// <summary>As SignalR does it: once for a group.</summary>
    [Benchmark(Baseline = true)]
    public object SignalR() => _signalR.GetMessageBytes(_invocation);

    /// <summary>As D-Chat does it, once for all members, the room's ring of recent changes included.</summary>
    [Benchmark]
    public void DChat()
    {
        _room.Ring.Reset(0);
        _publisher.Publish(_room, _results);
    }

    private static Message ToContract(Stored.Message message) => new(
        message.Seq, message.Rev, MessageKinds.Text, message.Author, message.ClientId, message.SentAt, message.Body);
}
