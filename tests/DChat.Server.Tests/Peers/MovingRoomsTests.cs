using System.Text.Json.Nodes;
using DChat.Server.Tests.Contract;
using DChat.TestKit;
using Xunit.Abstractions;

namespace DChat.Server.Tests.Peers;

/// <summary>
/// Sends at random over several gateways while rooms move, links are cut and hosts are stopped and wake: whoever looks sees one order, nothing
/// lost, nothing twice, and what each connection sent in the order of its calls.
/// </summary>
public sealed class MovingRoomsTests(ITestOutputHelper output)
{
    private const int Workers = 3;
    private const int Rounds = 25;

    [Fact]
    public async Task However_rooms_move_everybody_sees_one_order()
    {
        var random = new Random(Seed.Print(output));
        await using var cluster = await PeerCluster.StartAsync(hosts: Workers);
        var people = new List<Person>();
        for (var i = 0; i < Workers; i++)
        {
            people.Add(await cluster.PersonAsync(i));
        }

        var rooms = new List<Conversation>();
        for (var i = 0; i < 2; i++)
        {
            var room = await cluster.MakeRoomAsync(i, [.. people]);
            rooms.Add(new Conversation(room, [.. people.Select(person => new FollowingClient(person.Hub, room))]));
            await Task.WhenAll(rooms[i].Readers.Select(reader => reader.StartAsync()));
        }

        for (var round = 0; round < Rounds; round++)
        {
            foreach (var room in rooms)
            {
                room.Send(random.Next(1, 30), random);
            }

            await DisturbAsync(cluster, rooms[random.Next(rooms.Count)], random);
            var busiest = rooms.SelectMany(room => room.Sent).Where(sent => !sent.IsCompleted).ToList();
            if (busiest.Count > 100)
            {
                await Task.WhenAny(busiest).Within();
            }
        }

        foreach (var worker in cluster.Workers)
        {
            worker.Store!.Release();
            worker.Proxy.Mend();
        }

        foreach (var room in rooms)
        {
            await room.CheckAsync();
        }

        foreach (var person in people)
        {
            await person.DisposeAsync();
        }
    }

    private static async Task DisturbAsync(PeerCluster cluster, Conversation room, Random random)
    {
        var worker = cluster.Workers[random.Next(Workers)];
        switch (random.Next(4))
        {
            case 0:
                worker.Proxy.Cut();
                worker.Proxy.Mend();
                break;
            case 1:
                // It sleeps through the move, and wakes with what it was about to write.
                worker.Store!.Hold();
                room.Send(5, random);
                await cluster.MoveAsync(room.Room, random.Next(Workers));
                worker.Store!.Release();
                break;
            default:
                await cluster.MoveAsync(room.Room, random.Next(Workers));
                break;
        }
    }

    /// <summary>One room: what was sent there, and everybody's view of it.</summary>
    private sealed class Conversation(string room, IReadOnlyList<FollowingClient> readers)
    {
        private readonly int[] _next = new int[readers.Count];

        public string Room => room;

        public IReadOnlyList<FollowingClient> Readers => readers;

        public List<Task<JsonNode?>> Sent { get; } = [];

        public void Send(int count, Random random)
        {
            for (var i = 0; i < count; i++)
            {
                var writer = random.Next(readers.Count);
                Sent.Add(readers[writer].Hub.BeginCall("send", new { room, clientId = Chat.NewId(), body = $"{writer}:{_next[writer]++}" }));
            }
        }

        public async Task CheckAsync()
        {
            var answers = await Task.WhenAll(Sent).Within(TimeSpan.FromSeconds(60));
            var last = answers.Max(answer => (long)answer!["rev"]!);
            foreach (var reader in readers)
            {
                await reader.FollowAsync(last);
            }

            Assert.All(readers, reader => Assert.Equal(readers[0].View.ToString(), reader.View.ToString()));
            var seen = readers[0].View.Messages.Values.Where(message => (string)message["kind"]! == "text").Select(message => (string)message["body"]!).ToList();
            for (var writer = 0; writer < readers.Count; writer++)
            {
                Assert.Equal(Enumerable.Range(0, _next[writer]).Select(n => $"{writer}:{n}"), seen.Where(body => body.StartsWith($"{writer}:")));
            }

            Assert.Equal(answers.Length, answers.Select(answer => (long)answer!["seq"]!).Distinct().Count());
            Assert.Equal(answers.Select(answer => (long)answer!["seq"]!).Order(), readers[0].View.Messages.Where(message => (string)message.Value["kind"]! == "text").Select(message => message.Key));
        }
    }
}
