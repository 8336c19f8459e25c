using System.Net;
using System.Text.Json.Nodes;
using DChat.Server.Worker.Gateway;
using DChat.Server.Worker.Transport;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Contract;

/// <summary>A client that asks for much and reads none of it waits for itself alone, and whatever ends it ends all of it.</summary>
public sealed class CongestedClientTests
{
    private const int DrainSeconds = 300;

    /// <summary>Far above what the sockets' buffers take in, which differs.</summary>
    private const int AnswersMost = 500;

    [Fact]
    public async Task It_is_gone_from_the_server_once_it_is_signed_out()
    {
        await using var server = await OwnServer.StartAsync(options => options);
        var (client, token) = await CongestAsync(server);
        await using (client)
        {
            using var http = server.HttpOf(token);
            Assert.Equal(HttpStatusCode.NoContent, (await http.PostAsync("/api/logout", null)).StatusCode);
            await Eventually.Holds(() => server.Server.Services.GetRequiredService<ChatGateway>().Connections == 0);
            Assert.Equal(0, server.Server.Services.GetRequiredService<OutboxBudget>().TakenBytes);
        }
    }

    /// <summary>The server may take minutes for what is in flight; a client that does not read is not waited for so long.</summary>
    [Fact]
    public async Task It_does_not_keep_the_server_from_stopping()
    {
        var server = await OwnServer.StartAsync(options => options with { DrainSeconds = DrainSeconds });
        var (client, _) = await CongestAsync(server);
        await using (client)
        {
            await ((IAsyncDisposable)server).DisposeAsync();
        }

        Assert.Single(server.Server.Log.Lines, line => line.Contains("This coordinator leads in term", StringComparison.Ordinal));
    }

    /// <summary>A client whose further calls wait, for it has not read the answers to those before.</summary>
    private static async Task<(PausingClient Client, string Token)> CongestAsync(OwnServer server)
    {
        var (tokens, _) = await server.RegisterAsync();
        string room;
        await using (var ann = await server.PersonAsync())
        {
            room = await ann.MakeRoomAsync();
            var body = new string('x', 8_000);
            await Task.WhenAll(Enumerable.Range(0, 100).Select(n => ann.Hub.BeginCall("send", new { room, clientId = $"{n}", body }))).Within();
        }

        var client = await PausingClient.ConnectAsync(server.Address, tokens.AccessToken);
        await client.CallAsync("joins", "joinRoom", new JsonObject { ["room"] = room });
        await client.ReadAsync();
        var budget = server.Server.Services.GetRequiredService<OutboxBudget>();
        var asked = 0;
        await Eventually.Holds(async () =>
        {
            if (budget.TakenBytes <= OutboxBudget.AnswerBytesMax && asked < AnswersMost)
            {
                await client.CallAsync($"asks {asked++}", "history", new JsonObject { ["room"] = room, ["limit"] = 100 });
            }

            return budget.TakenBytes > OutboxBudget.AnswerBytesMax;
        });
        return (client, tokens.AccessToken);
    }
}
