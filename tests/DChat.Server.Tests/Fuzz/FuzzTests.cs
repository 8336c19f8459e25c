using DChat.Server.Cli;
using DChat.Server.Worker.Gateway;
using DChat.Server.Worker.Transport;
using DChat.Storage.Postgres;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit.Abstractions;

namespace DChat.Server.Tests.Fuzz;

/// <summary>No bad input ends the connection of another user, and none ends the process, leaves something behind or is an unhandled exception.</summary>
[Collection(FuzzCollection.Name)]
public sealed class FuzzTests(ITestOutputHelper output)
{
    private const int FuzzUsers = 40;

    /// <summary>Of those who fuzz over HTTP: a log-out may get through, and must not end a hub's fuzzing.</summary>
    private const int WebUsers = 20;
    private const int HeapGrowthMax = 48 * 1024 * 1024;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(LongTests.Pick(4, 25));

    [Fact]
    public Task A_hundred_thousand_bad_frames_records_calls_and_requests_disturb_nobody() => FuzzAsync(store: null, LongTests.Pick(1.0, 10));

    /// <summary>It takes less for a text than SQLite does.</summary>
    [Fact]
    public async Task Nor_do_they_where_the_messages_are_in_PostgreSQL()
    {
        await using var postgres = await PostgresServer.StartAsync();
        var url = PostgresUrl.Parse(postgres.Url(await postgres.CreateDatabaseAsync()));
        await FuzzAsync(EngineUrl.Of(url), LongTests.Pick(0.2, 2));
    }

    /// <param name="times">Of a hundred thousand.</param>
    private async Task FuzzAsync(EngineUrl? store, double times)
    {
        var seed = Seed.Print(output);
        await using var server = await InProcessServer.StartAsync(options => options with
        {
            LogLevel = LogLevel.Warning,
            Store = store,
            Limits = options.Limits with
            {
                SendBurst = 0,
                SendsPerSecond = 0,
                CallBurst = 0,
                CallsPerSecond = 0,
                SearchBurst = 50,
                SearchesPerSecond = 20,
                RoomsPerUser = 30,
                RegistrationsPerAddress = 20,
            },
        });
        using var http = server.CreateHttpClient();
        var crowd = await Crowd.MakeAsync(http, server.AdminPassword, FuzzUsers + 2 + WebUsers, rooms: 20, membersPerRoom: 10);
        await using var quiet = await QuietPair.MeetAsync(server.Client, crowd.Token(FuzzUsers), crowd.Token(FuzzUsers + 1), crowd.Users[FuzzUsers + 1].User);
        string[] rooms = [.. crowd.Rooms.Select(room => room.Room), quiet.Room, "no-such-room"];
        string[] users = [.. crowd.Users.Take(FuzzUsers).Select(user => user.User), "nobody"];
        var gateway = server.Services.GetRequiredService<ChatGateway>();
        var before = Heap();

        using var done = new CancellationTokenSource();
        var chatting = quiet.ChatAsync(done.Token);
        var fuzzers = new List<Task>();
        var fuzzed = 0;
        for (var i = 0; i < 4; i++)
        {
            Start(i, 80_000, (hub, _, count) => hub.CallAsync(count));
            Start(i + 4, 12_000, (hub, _, count) => hub.SendRecordsAsync(count));
            Start(i + 8, 6_000, (hub, _, count) => hub.SendFramesAsync(count));
            Start(i + 12, 4_000, (_, web, count) => web.SendAsync(count));
        }

        var all = Task.WhenAll(fuzzers);
        await (await Task.WhenAny(all, chatting).WaitAsync(Limit));
        await all.WaitAsync(Limit);
        await done.CancelAsync();
        await chatting.Within();
        await quiet.CheckAsync();
        output.WriteLine($"{fuzzed} bad inputs, {quiet.Messages} quiet messages");
        Assert.InRange(fuzzed, (int)(100_000 * times), int.MaxValue);

        await Eventually.Holds(() => gateway.Connections == 2);
        await Eventually.Holds(() => server.Services.GetRequiredService<OutboxBudget>().TakenBytes == 0);
        await Eventually.Holds(() => Heap() - before < HeapGrowthMax, what: "the heap is back");
        output.WriteLine($"heap: {before >> 20} MiB before, {Heap() >> 20} MiB after");

        void Start(int number, int inAll, Func<HubFuzzer, HttpFuzzer, int, Task> run)
        {
            var count = (int)(inAll * times / 4);
            fuzzed += count;
            var nasty = new Nasty(new Random(unchecked((seed * 31) + number)));
            string Token() => crowd.Token(nasty.Random.Next(FuzzUsers));
            var hub = new HubFuzzer(server.Client, nasty, new HubCalls(nasty, rooms, users), Token);
            var web = new HttpFuzzer(server.Client, nasty, rooms, () => crowd.Token(FuzzUsers + 2 + nasty.Random.Next(WebUsers)));
            fuzzers.Add(Task.Run(() => run(hub, web, count)));
        }
    }

    private static long Heap() => GC.GetTotalMemory(forceFullCollection: true);
}
