using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using DChat.Protocol;

namespace DChat.Benchmarks.Yardsticks;

/// <summary>
/// The ceiling: rooms over raw WebSockets, and nothing else. A message is framed once for all; what queues for a connection while
/// its last write is under way goes out as one write. Speaks just enough of the hub protocol for <c>dchat load --bare</c>.
/// </summary>
internal sealed class RawBroadcaster
{
    private const int Backlog = 4_096;

    private readonly ConcurrentDictionary<string, Room> _rooms = new(StringComparer.Ordinal);

    /// <summary><c>raw-broadcaster --port P</c>.</summary>
    public static async Task<int> RunAsync(int port, CancellationToken cancellation)
    {
        var broadcaster = new RawBroadcaster();
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        listener.Listen(Backlog);
        Console.WriteLine($"listening http://{listener.LocalEndPoint}");
        var clients = new ConcurrentDictionary<Task, byte>();
        while (!cancellation.IsCancellationRequested)
        {
            var client = new RawClient(await listener.AcceptAsync(cancellation), broadcaster);
            var life = client.RunAsync(cancellation);
            clients.TryAdd(life, 0);
            _ = life.ContinueWith(ended => clients.TryRemove(ended, out _), TaskScheduler.Default);
        }

        await Task.WhenAll(clients.Keys);
        return 0;
    }

    /// <summary>Answers a record of a client.</summary>
    public void Handle(RawClient client, ReadOnlySpan<byte> record)
    {
        using var parsed = JsonDocument.Parse(record.ToArray());
        var root = parsed.RootElement;
        if (root.TryGetProperty("protocol", out _))
        {
            client.Enqueue(RawFrame.Text("{}\x1e"u8));
        }
        else if (root.TryGetProperty("target", out var target))
        {
            var id = root.GetProperty("invocationId").GetString()!;
            var argument = root.GetProperty("arguments")[0];
            var room = _rooms.GetOrAdd(argument.GetProperty("room").GetString()!, name => new Room(name));
            if (target.ValueEquals("join"u8))
            {
                client.Enqueue(Completion(id, room.Join(client)));
            }
            else
            {
                client.Enqueue(Completion(id, room.Send(argument.GetProperty("clientId").GetString()!, argument.GetProperty("body").GetString()!)));
            }
        }
    }

    public void Left(RawClient client)
    {
        foreach (var room in _rooms.Values)
        {
            room.Leave(client);
        }
    }

    private static byte[] Completion<T>(string id, T result) => RawFrame.Record(new { type = 3, invocationId = id, result });

    private sealed class Room(string name)
    {
        private readonly Lock _gate = new();
        private readonly List<RawClient> _members = [];
        private long _rev;

        public RevAnswer Join(RawClient client)
        {
            lock (_gate)
            {
                _members.Add(client);
                return new RevAnswer(_rev);
            }
        }

        public void Leave(RawClient client)
        {
            lock (_gate)
            {
                _members.Remove(client);
            }
        }

        public SendAnswer Send(string clientId, string body)
        {
            lock (_gate)
            {
                var sentAt = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
                var message = new Message(++_rev, _rev, MessageKinds.Text, "somebody", clientId, sentAt, body);
                var events = new RoomEvents(name, [new RoomEvent(_rev, EventKinds.Posted, message)]);
                var frame = RawFrame.Record(new { type = 1, target = HubEvents.Events, arguments = new[] { events } });
                foreach (var member in _members)
                {
                    member.Enqueue(frame);
                }

                return new SendAnswer(_rev, _rev, sentAt);
            }
        }
    }
}
