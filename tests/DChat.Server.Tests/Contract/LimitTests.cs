using System.Text.Json.Nodes;
using DChat.Server.Cli;
using DChat.TestKit;

namespace DChat.Server.Tests.Contract;

/// <summary>How often and how much: the limits that are counted for a user.</summary>
public sealed class LimitTests(LimitTests.StrictServer server) : IClassFixture<LimitTests.StrictServer>
{
    private const int Burst = 5;

    [Fact]
    public async Task Sends_past_the_burst_are_rate_limited_and_told_when_to_repeat()
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        var refused = await ExhaustAsync(ann.Hub, room);
        Assert.InRange(refused.RetryAfterMs!.Value, 1, 1_000);
        await using var ben = await server.PersonAsync();
        await ben.Hub.CallAsync("joinRoom", new { room });
        await ben.Hub.SendAsync(room, "another user's burst is another");
    }

    [Fact]
    public async Task The_limit_is_the_users_and_not_the_connections()
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        await using var second = await ann.ConnectAsync();
        await ExhaustAsync(ann.Hub, room);

        // A burst of its own would take them all.
        await ExhaustAsync(second, room, most: Burst);
    }

    [Fact]
    public async Task Searches_past_the_burst_are_rate_limited()
    {
        await using var ann = await server.PersonAsync();
        var searches = Enumerable.Range(0, 20).Select(_ => ann.Hub.BeginCall("search", new { query = "x" })).ToArray();
        var refused = await RefusedAsync(searches);
        Assert.NotEmpty(refused);
        Assert.All(refused, error => Assert.Equal("rate_limited", error.Code));
        Assert.All(refused, error => Assert.NotNull(error.RetryAfterMs));
    }

    [Fact]
    public async Task Calls_past_the_burst_are_rate_limited()
    {
        await using var ann = await server.PersonAsync();
        var refused = await RefusedAsync([.. Enumerable.Range(0, 60).Select(_ => ann.Hub.BeginCall("listRooms", new { }))]);
        Assert.NotEmpty(refused);
        Assert.All(refused, error => Assert.Equal("rate_limited", error.Code));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Refused_sends_past_the_burst_are_rate_limited_and_a_repeat_among_them_gets_its_answer_later(bool isMember)
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        var first = await ben.Hub.SendAsync(room, "said", "id");
        if (!isMember)
        {
            await ann.Hub.CallAsync("kick", new { room, user = ben.Name });
        }

        var refused = await RefusedAsync([.. Enumerable.Range(0, 80).Select(i => ben.Hub.BeginCall("send", new { room, clientId = $"c{i}", body = isMember ? "" : "x" }))]);
        Assert.Equal(80, refused.Count);
        Assert.Contains(refused, error => error is { Code: "rate_limited", RetryAfterMs: > 0 });
        await Eventually.Holds(async () =>
        {
            var again = await ben.Hub.BeginCall("send", new { room, clientId = "id", body = "" }).ContinueWith(call => call, TaskScheduler.Default).Within();
            Assert.True(again.IsCompletedSuccessfully || ((HubCallFailedException)again.Exception!.InnerException!).Error!.Code == "rate_limited", again.Exception?.ToString());
            return again.IsCompletedSuccessfully && (await again)!.ToJsonString() == first.ToJsonString();
        });
    }

    [Fact]
    public async Task A_user_is_in_so_many_rooms_and_a_room_has_so_many_members()
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        for (var i = 1; i < StrictServer.Rooms; i++)
        {
            await ann.MakeRoomAsync();
        }

        var code = (await ann.Hub.FailAsync("createRoom", new { name = Chat.NewId() })).Code;
        Assert.Contains(code, new[] { "too_large", "forbidden", "invalid_argument" });
        for (var i = 1; i < StrictServer.Members; i++)
        {
            await using var member = await server.PersonAsync();
            await member.Hub.CallAsync("joinRoom", new { room });
        }

        await using var late = await server.PersonAsync();
        await late.Hub.RefusesAsync(code, "joinRoom", new { room });
    }

    [Fact]
    public async Task Guessing_a_rooms_password_must_wait_ever_longer()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        await using var cid = await server.PersonAsync();
        var room = (string)(await ann.Hub.CallAsync("createRoom", new { name = Chat.NewId(), password = "open sesame" }))!["id"]!;
        for (var i = 0; i < StrictServer.Guesses; i++)
        {
            await ben.Hub.RefusesAsync("wrong_password", "joinRoom", new { room, password = $"guess {i}" });
        }

        var refused = await ben.Hub.FailAsync("joinRoom", new { room, password = "open sesame" });
        Assert.Equal("rate_limited", refused.Code);
        Assert.InRange(refused.RetryAfterMs!.Value, 1, 3_600_000);
        await cid.Hub.CallAsync("joinRoom", new { room, password = "open sesame" });
    }

    [Fact]
    public async Task Slow_mode_spaces_the_messages_of_plain_members()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        await ann.Hub.CallAsync("updateRoom", new { room, slowModeSeconds = 3_600 });
        var first = await ben.Hub.SendAsync(room, "one", "same");
        var refused = await ben.Hub.FailAsync("send", new { room, clientId = Chat.NewId(), body = "two" });
        Assert.Equal("slow_mode", refused.Code);
        Assert.InRange(refused.RetryAfterMs!.Value, 3_500_000, 3_600_000);

        // A repeat is no second message, and an owner is not slowed.
        Assert.Equal(first.ToJsonString(), (await ben.Hub.SendAsync(room, "one", "same")).ToJsonString());
        await ann.Hub.SendAsync(room, "a");
        await ann.Hub.SendAsync(room, "b");
        await ben.Hub.CallAsync("edit", new { room, clientId = Chat.NewId(), seq = (long)first["seq"]!, body = "edited" });
    }

    private static async Task<Protocol.HubError> ExhaustAsync(HubProbe hub, string room, int most = 50)
    {
        var refused = await RefusedAsync([.. Enumerable.Range(0, most).Select(i => hub.BeginCall("send", new { room, clientId = Chat.NewId(), body = $"m{i}" }))]);
        Assert.NotEmpty(refused);
        Assert.All(refused, error => Assert.Equal("rate_limited", error.Code));
        return refused[0];
    }

    private static async Task<List<Protocol.HubError>> RefusedAsync(Task<JsonNode?>[] calls)
    {
        var refused = new List<Protocol.HubError>();
        foreach (var call in calls)
        {
            try
            {
                await call.Within();
            }
            catch (HubCallFailedException failed)
            {
                refused.Add(failed.Error!);
            }
        }

        return refused;
    }

    public sealed class StrictServer : ContractServer
    {
        public const int Rooms = 4;
        public const int Members = 3;
        public const int Guesses = 4;

        protected override ServerOptions Configure(ServerOptions options) => options with
        {
            Limits = options.Limits with
            {
                SendBurst = Burst,
                SendsPerSecond = 1,
                CallBurst = 40,
                CallsPerSecond = 1,
                SearchBurst = 3,
                SearchesPerSecond = 1,
                RoomsPerUser = Rooms,
                MembersPerRoom = Members,
                LoginAttemptsPerAccount = Guesses,
                LoginDelaySeconds = 3_600,
                LoginDelayMaxSeconds = 3_600,
            },
        };
    }
}
