using System.Net.Http.Json;
using System.Text.Json.Nodes;
using DChat.Protocol;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Cluster;

/// <summary>
/// A host is cut off from the coordinator alone: it keeps its clients and its way to the store, and does not know that another worker was
/// given its room. Whatever both acknowledge stands in the room once, in one order; from the moment on at which the new host has opened the
/// room, the old one acknowledges nothing, though nobody told it.
/// </summary>
public sealed class SplitBrainTests
{
    private const string SilenceMs = "2500";

    /// <summary>What the cut lets through: nothing; in the long form also one way alone.</summary>
    public static TheoryData<Way> Ways => LongTests.Pick<TheoryData<Way>>([Way.Both], [Way.Both, Way.In, Way.Out]);

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task G1_G3_G4_two_hosts_of_one_room_lose_double_and_reorder_nothing(Way way)
    {
        await using var split = await Split.MakeAsync();
        await using var there = await split.ConnectAsync(split.Old, user: 0);
        await using var here = await split.ConnectAsync(split.New, user: 1);
        using var enough = new CancellationTokenSource();
        var sending = new[] { SendAsync(split, there, "old", enough.Token), SendAsync(split, here, "new", enough.Token) };

        await split.CutAsync(way);
        await split.FencedAsync();
        var late = there.BeginCall("send", new { room = split.Room, clientId = "late", body = "to a host that lost the room" });
        for (var i = 0; i < 5; i++)
        {
            await split.RepeatAsync(null, here, $"meanwhile{i}");
        }

        Assert.False(late.IsCompletedSuccessfully);
        await split.HealAsync();
        await split.RepeatAsync(late, there, "late");
        await enough.CancelAsync();
        var acknowledged = (await Task.WhenAll(sending)).SelectMany(acks => acks).ToDictionary();
        foreach (var worker in split.Cluster.Workers)
        {
            await CheckAsync(split, worker, acknowledged);
        }
    }

    /// <summary>Whether it has heard of the other worker, as in the long form; else that one joins while it is cut off.</summary>
    public static TheoryData<bool> Known => LongTests.Pick<TheoryData<bool>>([false], [false, true]);

    /// <param name="knows"><see cref="Known"/>.</param>
    [Theory]
    [MemberData(nameof(Known))]
    public async Task G5_a_quiet_host_that_lost_its_room_finds_out_from_the_store_and_tells_nobody_that_all_is_well(bool knows)
    {
        await using var split = await Split.MakeAsync(workers: knows ? 2 : 1);
        await using var there = await split.ConnectAsync(split.Old, user: 0);
        await there.CallAsync("subscribe", new { room = split.Room });
        await using (var before = await split.ConnectAsync(split.Old, user: 1))
        {
            await before.CallAsync("send", new { room = split.Room, clientId = "1", body = "before" });
        }

        await there.NextAsync("events");

        await split.CutAsync(Way.Both);
        if (!knows)
        {
            await split.Cluster.AddWorkerAsync();
        }

        await split.MovedAsync();
        await using var here = await split.ConnectAsync(split.New, user: 1);
        var seen = (long)(await here.CallAsync("send", new { room = split.Room, clientId = "2", body = "unheard at the old host" }))!["rev"]!;
        await Eventually.Holds(() => split.Old.Log.Lines.Any(line => line.Contains($"room {split.Room} is not ours any more: ours is epoch", StringComparison.Ordinal)));

        // Who was shown more is not told less, neither that nothing is new.
        Assert.Equal(ErrorCodes.Unavailable, (await there.FailAsync("subscribe", new { room = split.Room, afterRev = seen })).Code);

        await split.HealAsync();
        var told = await there.NextOfAsync(["events", "resync"]);
        Assert.Equal(seen, told["events"]?[0]?["rev"] is { } rev ? (long)rev : (long)told["rev"]!);
        var caughtUp = await there.CallAsync("subscribe", new { room = split.Room, afterRev = seen - 1 });
        Assert.Equal((false, seen), ((bool)caughtUp!["reset"]!, (long)caughtUp["rev"]!));
        Assert.Equal("2", (string)caughtUp["messages"]![0]!["clientId"]!);
    }

    [Fact]
    public async Task A_worker_that_is_cut_off_from_the_coordinator_sends_its_clients_to_others_until_it_is_back()
    {
        await using var split = await Split.MakeAsync(cutOffMs: 1_000);
        await using var there = await split.ConnectAsync(split.Old, user: 0);
        await split.CutAsync(Way.Both);
        var asked = await there.NextAsync("reconnect");
        Assert.InRange((int)asked["afterMs"]!, 0, 3_000);

        // Who comes is told to go on to another, where the room is.
        await Assert.ThrowsAnyAsync<Exception>(() => split.ConnectAsync(split.Old, user: 0));
        using var http = split.Old.CreateHttpClient();
        var ready = await http.GetAsync("health/ready");
        Assert.Equal(System.Net.HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Contains("cut off from the coordinators", await ready.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        await using var elsewhere = await split.ConnectAsync(split.New, user: 0);
        await split.RepeatAsync(null, elsewhere, "said while the old host is cut off");

        await split.HealAsync();
        await Eventually.Holds(async () => (await http.GetAsync("health/ready")).IsSuccessStatusCode);
        await using var again = await split.ConnectAsync(split.Old, user: 0);
        await split.RepeatAsync(null, again, "said when it was back");
    }

    /// <summary>Sends one after the other, each until it is acknowledged.</summary>
    private static async Task<List<KeyValuePair<string, long>>> SendAsync(Split split, HubProbe probe, string name, CancellationToken enough)
    {
        var acknowledged = new List<KeyValuePair<string, long>>();
        while (!enough.IsCancellationRequested)
        {
            var clientId = $"{name}-{acknowledged.Count}";
            var answer = await split.RepeatAsync(null, probe, clientId);
            acknowledged.Add(new(clientId, (long)answer["seq"]!));
        }

        return acknowledged;
    }

    /// <summary>Everything acknowledged stands where its answer says, once; each sender's in the order of the calls; no number is left out.</summary>
    private static async Task CheckAsync(Split split, ServerProcess worker, Dictionary<string, long> acknowledged)
    {
        await using var probe = await split.ConnectAsync(worker, user: 0);
        var stored = new List<JsonNode>();
        bool more;
        do
        {
            var page = await probe.CallAsync("history", new { room = split.Room, beforeSeq = stored.Count > 0 ? (long?)stored[0]["seq"]! : null, limit = ProtocolLimits.PageMax });
            stored.InsertRange(0, page!["messages"]!.AsArray().Select(message => message!));
            more = (bool)page["more"]!;
        }
        while (more);

        Assert.Equal(Enumerable.Range(1, stored.Count).Select(seq => (long)seq), stored.Select(message => (long)message["seq"]!));
        var seqs = stored.Where(message => (string)message["kind"]! == "text").ToDictionary(message => (string)message["clientId"]!, message => (long)message["seq"]!);
        Assert.All(acknowledged, sent => Assert.Equal(sent.Value, seqs.GetValueOrDefault(sent.Key)));
        foreach (var name in new[] { "old", "new" })
        {
            var order = seqs.Where(sent => sent.Key.StartsWith(name + "-", StringComparison.Ordinal)).OrderBy(sent => sent.Value).Select(sent => sent.Key);
            Assert.Equal(Enumerable.Range(0, order.Count()).Select(i => $"{name}-{i}"), order);
        }
    }

    /// <summary>Two workers on hosts of their own, and a room with two members that the one hosts and the other will be given.</summary>
    private sealed class Split(ClusterUnderTest cluster, Crowd crowd, long epoch) : IAsyncDisposable
    {
        public ClusterUnderTest Cluster => cluster;

        public string Room => crowd.Room;

        public ServerProcess Old => cluster.Workers[0];

        public ServerProcess New => cluster.Workers[1];

        /// <param name="cutOffMs">After how long a worker that is cut off sends its clients away; 0: never.</param>
        public static async Task<Split> MakeAsync(int cutOffMs = 0, int workers = 2)
        {
            // Creator: nothing moves but by failing over and by the test's own hand.
            var cluster = await ClusterUnderTest.StartAsync(workers, ["--worker-silence-ms", SilenceMs, "--placement", "creator"], ownHosts: true, worker: ["--cut-off-ms", $"{cutOffMs}"]);
            try
            {
                using var http = cluster.Workers[0].CreateHttpClient();
                var crowd = await Crowd.MakeAsync(http, ClusterUnderTest.AdminPassword, users: 2);
                var me = (await http.GetFromJsonAsync<JsonNode>("api/info"))!["worker"]!;
                await SignInAsync(http);
                if (workers > 1)
                {
                    (await http.PostAsJsonAsync($"api/admin/rooms/{crowd.Room}/move", new MoveRoomRequest((string)me!))).EnsureSuccessStatusCode();
                }

                var room = (await http.GetFromJsonAsync<AdminRoom>($"api/admin/rooms/{crowd.Room}"))!;
                Assert.Equal((string)me!, room.Worker);
                return new Split(cluster, crowd, room.Epoch);
            }
            catch
            {
                await cluster.DisposeAsync();
                throw;
            }
        }

        public Task<HubProbe> ConnectAsync(ServerProcess worker, int user) => HubProbe.ConnectAsync(worker.Client, crowd.Token(user));

        /// <summary>The old host and the coordinator do not hear each other any more, or one does not hear the other.</summary>
        public Task CutAsync(Way way) => Old.Host!.CutAsync([cluster.Coordinator.Host!.Address], way);

        public Task HealAsync() => Old.Host!.HealAsync();

        /// <summary>The coordinator has given the room to the new host, which has heard of it.</summary>
        public async Task MovedAsync()
        {
            using var http = New.CreateHttpClient();
            await SignInAsync(http);
            await Eventually.Holds(async () => (await http.GetFromJsonAsync<AdminRoom>($"api/admin/rooms/{Room}"))!.Epoch > epoch);
        }

        /// <summary>The new host has opened the room: from now on the store refuses the old one.</summary>
        public Task FencedAsync() => Eventually.Holds(async () =>
            (long)(await cluster.Postgres!.ReadAsync(cluster.Database, $"SELECT coalesce(max(epoch), 0) FROM dchat.rooms WHERE id = '{Room}'"))! > epoch);

        /// <summary>A send, repeated with its id until it is acknowledged.</summary>
        public async Task<JsonNode> RepeatAsync(Task<JsonNode?>? first, HubProbe probe, string clientId)
        {
            while (true)
            {
                try
                {
                    return (await (first ?? probe.CallAsync("send", new { room = Room, clientId, body = "said on both sides" })))!;
                }
                catch (HubCallFailedException failure) when (failure.Error is { Code: ErrorCodes.Unavailable })
                {
                    first = null;
                }
            }
        }

        public ValueTask DisposeAsync() => cluster.DisposeAsync();

        private static async Task SignInAsync(HttpClient http)
        {
            using var login = await http.PostAsJsonAsync("api/login", new LoginRequest("admin", ClusterUnderTest.AdminPassword));
            http.DefaultRequestHeaders.Authorization = new("Bearer", (await login.Content.ReadFromJsonAsync<TokenAnswer>())!.AccessToken);
        }
    }
}
