using System.Net.Http.Json;
using System.Text.Json.Nodes;
using DChat.TestKit;

namespace DChat.Server.Tests.Contract;

/// <summary>G1: an answered message survives the death of the process.</summary>
public sealed class G1DurableTests
{
    [Fact]
    public async Task What_was_answered_is_there_after_kill_9()
    {
        await using var server = await ServerProcess.StartAsync();
        using var http = server.CreateHttpClient();
        using var registered = await http.PostAsJsonAsync("/api/register", new { user = "ann", password = "correct horse battery" });
        var token = (string)(await registered.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonNode>())!["accessToken"]!;
        var answered = new Dictionary<string, long>();
        string room;
        await using (var hub = await HubProbe.ConnectAsync(server.Client, token))
        {
            room = await hub.MakeRoomAsync();
            var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var sends = Enumerable.Range(0, 400).Select(async i =>
            {
                try
                {
                    var answer = await hub.BeginCall("send", new { room, clientId = $"c{i}", body = $"m{i}" });
                    lock (answered)
                    {
                        answered[$"c{i}"] = (long)answer!["seq"]!;
                        if (answered.Count == 100)
                        {
                            enough.TrySetResult();
                        }
                    }
                }
                catch (HubCallFailedException)
                {
                    // The server was killed first: this one may or may not be there.
                }
            }).ToArray();
            await enough.Task.Within();
            await server.KillAsync();
            await Task.WhenAll(sends).Within();
        }

        await server.RestartAsync();
        await using var again = await HubProbe.ConnectAsync(server.Client, token);
        var view = new RoomView(room);
        await view.CatchUpAsync(again, 0);
        Assert.True(answered.Count >= 100);
        Assert.Equal(Enumerable.Range(1, view.Messages.Count).Select(seq => (long)seq), view.Messages.Keys);
        Assert.All(answered, one => Assert.Equal(one.Key, (string)view.Messages[one.Value]["clientId"]!));
    }
}
