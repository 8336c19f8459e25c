using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Standby;
using DChat.Server.Coordinator.Workers;
using DChat.Server.Tests.Nodes;
using DChat.Server.Worker.Host;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Server.Tests.Coordinator;

/// <summary>A leader that evens out what hosts report: of a room that came lately far less than it costs, for some seconds.</summary>
public sealed class EvenedOutTests
{
    private const double DeliveriesPerSecond = 10;

    /// <summary>Longer than a room rests and a host's averages take.</summary>
    private const int Seconds = 75;

    [Fact]
    public async Task A_worker_that_joins_is_given_as_many_rooms_as_are_needed_and_none_goes_back()
    {
        await using var cluster = await SimulatedCluster.StartAsync();
        await cluster.JoinAsync("a", 100);
        await cluster.PassAsync(3);
        await cluster.JoinAsync("b", 0);
        await cluster.PassAsync(Seconds);
        Assert.Equal(0, cluster.Moves.Count(move => move.To == "a"));
        Assert.InRange(cluster.Moves.Count, 38, 44); // From 100 and 0 to 20 % above the average takes 40.
    }

    [Fact]
    public async Task A_worker_that_was_given_the_rooms_of_one_that_drains_is_not_taken_for_idle()
    {
        await using var cluster = await SimulatedCluster.StartAsync();
        await cluster.JoinAsync("a", 55);
        await cluster.JoinAsync("b", 40);
        await cluster.PassAsync(3);
        await cluster.JoinAsync("c", 0);
        await cluster.DrainAsync("b");
        await cluster.PassAsync(Seconds);
        Assert.Equal(40, cluster.Moves.Count);
        Assert.All(cluster.Moves, move => Assert.Equal("c", move.To));
    }

    /// <summary>A real leader, and hosts whose rooms cost the same at every moment.</summary>
    private sealed class SimulatedCluster : IRegistryObserver, IAsyncDisposable
    {
        private readonly RegistryBench _bench;
        private readonly HandTime _time = new();
        private readonly WorkerWatch _watch;
        private readonly CancellationTokenSource _end = new();
        private readonly Dictionary<string, Dictionary<string, double>> _averages = new(StringComparer.Ordinal);
        private readonly IDisposable _watching;
        private readonly Task _running;
        private volatile TaskCompletionSource _looked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private bool _areMovesCounted = true;

        private SimulatedCluster(RegistryBench bench)
        {
            (_bench, _watch) = (bench, new WorkerWatch(_time));
            _watch.ActivityTold += _ => _looked.TrySetResult(); // Once a second, when it has looked at the loads: what comes then is not seen before the next second.
            _watching = bench.Replica.Subscribe(this, out _);
            var options = new CoordinatorOptions { StartsAsLeader = true, WorkerSilence = TimeSpan.FromMinutes(5) };
            _running = new ClusterDuties(bench.Replica, _watch, new StandbyWatch(_time), options, _time, NullLogger<ClusterDuties>.Instance).RunAsync(bench.Leader, _end.Token);
        }

        public List<(string Room, string To)> Moves { get; } = [];

        public static async Task<SimulatedCluster> StartAsync()
        {
            var bench = await new RegistryBench().LeadAsync();
            await bench.SubmitAsync(RegistryBench.Account("ann"));
            return new SimulatedCluster(bench);
        }

        /// <summary>A worker with rooms that have been there for long.</summary>
        public async Task JoinAsync(string worker, int rooms)
        {
            var hello = LinkPair.Hello(worker);
            await DoAsync(new RegisterWorker("", "", 0, worker, hello.Address, hello.Incarnation, 1, [], WorkerState.Active));
            var ids = Enumerable.Range(0, rooms).Select(i => $"{worker}-{i}").ToArray();
            foreach (var room in ids)
            {
                await DoAsync(new CreateRoom("", "ann", 0, room, room, null, RoomVisibility.Public, null, ""));
            }

            _areMovesCounted = false;
            await DoAsync(new AssignRooms("", "", 0, worker, ids));
            _areMovesCounted = true;
            _averages[worker] = ids.ToDictionary(room => room, _ => DeliveriesPerSecond);
            Report();
        }

        public async Task DrainAsync(string worker)
        {
            await DoAsync(new SetWorkerState("", "", 0, worker, WorkerState.Draining));
            await Eventually.Holds(() => _bench.Replica.State.FindWorker(worker)!.RoomCount == 0);
        }

        public async Task PassAsync(int seconds)
        {
            for (var second = 0; second < seconds; second++)
            {
                foreach (var (worker, averages) in _averages.ToList())
                {
                    _averages[worker] = _bench.Replica.State.RoomsOn(worker).ToDictionary(
                        room => room.Id, room => (averages.GetValueOrDefault(room.Id) * HostLoad.Keep) + (DeliveriesPerSecond * (1 - HostLoad.Keep)));
                }

                _looked = new(TaskCreationOptions.RunContinuationsAsynchronously);
                Report();
                _time.Now += TimeSpan.FromSeconds(1);
                await _looked.Task.Within();
            }
        }

        public void Applied(RegistryState before, RegistryState after, long index, RegistryEntry entry)
        {
            if (_areMovesCounted)
            {
                Moves.AddRange(entry.Records.SelectMany(record => record.Events).OfType<RoomsAssigned>().SelectMany(assigned => assigned.Rooms, (assigned, room) => (room, assigned.Worker)));
            }
        }

        public void Replaced(RegistryState before, RegistryState after) => Assert.Fail("nothing is replaced");

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _running.Within());
            _watching.Dispose();
            _end.Dispose();
            await _bench.DisposeAsync();
        }

        private void Report()
        {
            foreach (var (worker, averages) in _averages)
            {
                _watch.Reported(LinkPair.Hello(worker), new WorkerReport(
                    0, averages.Count, averages.Values.Sum(), 0, null, [], [.. averages.Select(room => new RoomLoadReport(room.Key, room.Value))], [new RoomActivity(worker, 0, 0)]));
            }
        }

        private async Task DoAsync(Command command)
        {
            var result = await _bench.SubmitAsync(command);
            Assert.True(result.Outcome.IsOk, result.Outcome.Text);
        }
    }
}
