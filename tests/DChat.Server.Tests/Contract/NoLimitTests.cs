using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using DChat.Server.Cli;
using DChat.TestKit;

namespace DChat.Server.Tests.Contract;

/// <summary>0 is no limit.</summary>
public sealed class NoLimitTests(NoLimitTests.UnlimitedServer server) : IClassFixture<NoLimitTests.UnlimitedServer>
{
    [Fact]
    public async Task A_search_without_a_time_limit_finds()
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        await ann.Hub.SendAsync(room, "heliotrope");
        await Eventually.Holds(async () => (await ann.Hub.CallAsync("search", new { query = "heliotrope" }))!["hits"]!.AsArray().Count == 1);
    }

    [Fact]
    public async Task A_file_may_have_any_size_and_clients_are_told_so()
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        var told = await ann.Hub.SyncAsync();
        Assert.Equal(0, (long)told["server"]!["limits"]!["fileBytes"]!);

        var larger = new byte[(int)new LimitsOptions().FileBytes + 1];
        using var http = server.HttpOf(ann.Token);
        var file = new ByteArrayContent(larger);
        file.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        using var form = new MultipartFormDataContent { { file, "file", "large" } };
        using var answer = await http.PostAsync($"/api/rooms/{room}/files", form).Within();
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        Assert.Equal(larger.Length, (long)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["size"]!);
    }

    public sealed class UnlimitedServer : ContractServer
    {
        protected override ServerOptions Configure(ServerOptions options)
        {
            var generous = Generous(options);
            return generous with { Limits = generous.Limits with { SearchMilliseconds = 0, FileBytes = 0 } };
        }
    }
}
