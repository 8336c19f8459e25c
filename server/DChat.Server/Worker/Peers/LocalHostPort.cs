using DChat.Server.Worker.Host;

namespace DChat.Server.Worker.Peers;

/// <summary>The host in this process.</summary>
internal sealed class LocalHostPort(RoomHost host) : IHostPort
{
    public bool IsUp => true;

    public bool Submit(OutstandingChange change, long epoch, long attempt)
    {
        host.Submit(change.Route.Room, change.Change, change.Refusal, change, new ChangeOrigin(change.Route.LocalFlow, epoch, attempt, change.DeadlineMs));
        return true;
    }

    public async ValueTask<long?> SubscribeAsync(string room, long epoch, IRoomSink sink, long? afterRev)
    {
        try
        {
            return await host.SubscribeAsync(room, epoch, sink, afterRev, CancellationToken.None).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    public void Unsubscribe(string room, IRoomSink sink) => host.Unsubscribe(room, sink);

    public void Announce(string room, IRoomSink sink, IReadOnlyList<UserPresence> users)
    {
        foreach (var (user, state) in users)
        {
            host.Announce(room, sink, user, state);
        }
    }

    public void StartTyping(string room, string user) => host.StartTyping(room, user);

    public void MarkRead(string room, IRoomSink sink, string user, long seq) => host.MarkRead(room, sink, user, seq);

    public ValueTask<RoomGlance> GlanceAsync(string room, long? afterRev, long throughRev, int limit)
    {
        var (names, count) = host.OnlineIn(room);
        return new(new RoomGlance(afterRev is { } after ? host.TryResume(room, after, throughRev, limit) : null, names, count));
    }

    public ValueTask<IReadOnlyList<bool>> OnlineAsync(string room, IReadOnlyList<string> users) =>
        new(users.Select(user => host.IsOnline(room, user)).ToList());

    public async ValueTask<bool> BarrierAsync(string room, long epoch)
    {
        try
        {
            return await host.FenceAsync(room, epoch).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    public ValueTask<long?> NewestSeqAsync(string room) => new(host.NewestSeq(room));
}
