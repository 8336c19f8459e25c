using System.Collections.Concurrent;
using DChat.Protocol;
using Microsoft.AspNetCore.SignalR;

namespace DChat.Benchmarks.Yardsticks;

/// <summary>
/// The yardstick: the hub that anybody would write first. ASP.NET Core SignalR with groups, no accounts, no rights, nothing stored.
/// It sends the same shapes as D-Chat, so a delivery is the same bytes.
/// </summary>
internal sealed class BareHub : Hub
{
    private static readonly ConcurrentDictionary<string, Counter> Revs = new(StringComparer.Ordinal);

    [HubMethodName("join")]
    public async Task<RevAnswer> Join(RoomRequest request)
    {
        await Groups.AddToGroupAsync(Context.ConnectionId, request.Room!);
        return new RevAnswer(Revs.GetOrAdd(request.Room!, _ => new Counter()).Current);
    }

    [HubMethodName("send")]
    public async Task<SendAnswer> Send(SendRequest request)
    {
        var rev = Revs.GetOrAdd(request.Room!, _ => new Counter()).Next();
        var sentAt = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        var message = new Message(rev, rev, MessageKinds.Text, "somebody", request.ClientId!, sentAt, request.Body!);
        await Clients.Group(request.Room!).SendAsync(
            HubEvents.Events,
            new RoomEvents(request.Room!, [new RoomEvent(rev, EventKinds.Posted, message)]));
        return new SendAnswer(rev, rev, sentAt);
    }

    private sealed class Counter
    {
        private long _value;

        public long Current => Interlocked.Read(ref _value);

        public long Next() => Interlocked.Increment(ref _value);
    }
}
