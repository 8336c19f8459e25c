using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace DChat.Server.Tests.Contract;

/// <summary>Messages and files over HTTP, for bots and scripts, under the same rights as over the hub.</summary>
public sealed class HttpMessageTests(ContractServer server) : IClassFixture<ContractServer>
{
    [Fact]
    public async Task A_message_is_posted_as_by_send_and_read_as_by_history()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        await ann.Hub.SyncAsync();
        using var http = server.HttpOf(ben.Token);
        var (status, sent) = await PostAsync(http, room, new { clientId = "script-1", body = "from a script" });
        Assert.Equal(HttpStatusCode.Created, status);
        Chat.HasShape(sent, "seq rev sentAt");
        await ann.Hub.NextPostAsync(room, "from a script");
        Assert.Equal(sent.ToJsonString(), (await PostAsync(http, room, new { clientId = "script-1", body = "from a script" })).Answer.ToJsonString());
        Assert.Equal(sent.ToJsonString(), (await ben.Hub.SendAsync(room, "over the hub", "script-1")).ToJsonString());

        var one = await PostAsync(http, room, new { body = "no id" });
        var two = await PostAsync(http, room, new { body = "no id" });
        Assert.Equal((long)one.Answer["seq"]! + 1, (long)two.Answer["seq"]!);

        var (_, page) = await GetAsync(http, $"/api/rooms/{room}/messages?limit=2");
        Assert.Equal((await ben.Hub.CallAsync("history", new { room, limit = 2 }))!.ToJsonString(), page.ToJsonString());
        var (_, before) = await GetAsync(http, $"/api/rooms/{room}/messages?limit=1&beforeSeq={(long)sent["seq"]! + 1}");
        Assert.Equal(["from a script"], Chat.Bodies(before));
    }

    [Theory]
    [InlineData("?limit=0", HttpStatusCode.BadRequest, "invalid_argument")]
    [InlineData("?limit=201", HttpStatusCode.BadRequest, "invalid_argument")]
    [InlineData("?limit=many", HttpStatusCode.BadRequest, "invalid_argument")]
    [InlineData("?limit=99999999999", HttpStatusCode.BadRequest, "invalid_argument")]
    [InlineData("?beforeSeq=0", HttpStatusCode.BadRequest, "invalid_argument")]
    [InlineData("?beforeSeq=-3", HttpStatusCode.BadRequest, "invalid_argument")]
    public async Task A_page_that_is_none_is_a_problem(string query, HttpStatusCode status, string code)
    {
        await using var ann = await server.PersonAsync();
        using var http = server.HttpOf(ann.Token);
        await IsProblemAsync(status, code, await http.GetAsync($"/api/rooms/{await ann.MakeRoomAsync()}/messages{query}"));
    }

    [Fact]
    public async Task What_the_hub_refuses_is_a_problem_with_the_same_code()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var (open, hidden) = (await ann.MakeRoomAsync(), await ann.Hub.MakeRoomAsync("private"));
        using var http = server.HttpOf(ben.Token);
        await IsProblemAsync(HttpStatusCode.Forbidden, "not_member", await http.GetAsync($"/api/rooms/{open}/messages"));
        await IsProblemAsync(HttpStatusCode.NotFound, "not_found", await http.GetAsync($"/api/rooms/{hidden}/messages"));
        await IsProblemAsync(HttpStatusCode.NotFound, "not_found", await http.GetAsync("/api/rooms/nowhere/messages"));
        await IsProblemAsync(HttpStatusCode.NotFound, "not_found", await http.PostAsJsonAsync($"/api/rooms/{hidden}/messages", new { body = "x" }));
        await IsProblemAsync(HttpStatusCode.Forbidden, "not_member", await http.PostAsJsonAsync($"/api/rooms/{open}/messages", new { body = "x" }));
        using var owner = server.HttpOf(ann.Token);
        await IsProblemAsync(HttpStatusCode.BadRequest, "invalid_argument", await owner.PostAsJsonAsync($"/api/rooms/{open}/messages", new { body = " " }));
        await IsProblemAsync(HttpStatusCode.RequestEntityTooLarge, "too_large", await owner.PostAsJsonAsync($"/api/rooms/{open}/messages", new { body = new string('x', 8_001) }));
        await IsProblemAsync(HttpStatusCode.BadRequest, "invalid_argument", await owner.PostAsJsonAsync($"/api/rooms/{open}/messages", new { body = 7 }));
        await IsProblemAsync(HttpStatusCode.RequestEntityTooLarge, "too_large", await owner.PostAsJsonAsync($"/api/rooms/{open}/messages", new { body = new string('x', 300_000) }));
        await ann.Hub.CallAsync("ban", new { room = open, user = ben.Name });
        await IsProblemAsync(HttpStatusCode.Forbidden, "banned", await http.PostAsJsonAsync($"/api/rooms/{open}/messages", new { body = "x" }));
        using var nobody = server.Server.CreateHttpClient();
        await IsProblemAsync(HttpStatusCode.Unauthorized, "not_signed_in", await nobody.GetAsync($"/api/rooms/{open}/messages"));
    }

    [Fact]
    public async Task A_file_is_uploaded_attached_and_downloaded()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var room = await ann.MakeRoomAsync(ben);
        await ben.Hub.SyncAsync();
        var file = await UploadAsync(ann, room, "notes.txt", "text/plain", "some notes");
        Chat.HasShape(file, "id name size type");
        var id = (string)file["id"]!;
        Assert.Equal(("notes.txt", 10, "text/plain"), ((string)file["name"]!, (long)file["size"]!, (string)file["type"]!));

        await ann.Hub.CallAsync("send", new { room, clientId = Chat.NewId(), body = "", files = new[] { id } });
        var told = await ben.Hub.NextChangeAsync(room, change => change["message"]!["files"] is not null);
        Chat.HasShape(told["message"], "seq rev kind author clientId sentAt body files");
        Assert.Equal(file.ToJsonString(), told["message"]!["files"]!.AsArray().Single()!.ToJsonString());
        Assert.Equal(file.ToJsonString(), (await ben.Hub.HistoryAsync(room))[^1]["files"]![0]!.ToJsonString());

        using var http = server.HttpOf(ben.Token);
        using var got = await http.GetAsync($"/api/files/{id}");
        Assert.Equal("some notes", await got.Content.ReadAsStringAsync());
        Assert.Equal(["nosniff"], got.Headers.GetValues("X-Content-Type-Options"));
        Assert.Equal("attachment", got.Content.Headers.ContentDisposition!.DispositionType);
    }

    [Fact]
    public async Task Only_ones_own_files_of_the_room_are_attached_and_at_most_10()
    {
        await using var ann = await server.PersonAsync();
        await using var ben = await server.PersonAsync();
        var (room, other) = (await ann.MakeRoomAsync(ben), await ann.MakeRoomAsync(ben));
        var id = (string)(await UploadAsync(ann, room, "a.txt", "text/plain", "a"))["id"]!;
        await ben.Hub.RefusesAsync("not_found", "send", new { room, clientId = Chat.NewId(), body = "mine?", files = new[] { id } });
        await ann.Hub.RefusesAsync("not_found", "send", new { room = other, clientId = Chat.NewId(), body = "here?", files = new[] { id } });
        await ann.Hub.RefusesAsync("not_found", "send", new { room, clientId = Chat.NewId(), body = "?", files = new[] { "../../etc/passwd" } });
        await ann.Hub.RefusesAsync("invalid_argument", "send", new { room, clientId = Chat.NewId(), body = "many", files = Enumerable.Repeat(id, 11) });
        await ann.Hub.RefusesAsync("invalid_argument", "send", new { room, clientId = Chat.NewId(), body = "none", files = new string?[] { null } });
        await ann.Hub.RefusesAsync("invalid_argument", "send", new { room, clientId = Chat.NewId(), body = "", files = Array.Empty<string>() });
    }

    [Fact]
    public async Task What_follows_a_file_in_the_order_of_calls_follows_it_in_the_room()
    {
        await using var ann = await server.PersonAsync();
        var room = await ann.MakeRoomAsync();
        var id = (string)(await UploadAsync(ann, room, "a.txt", "text/plain", "a"))["id"]!;
        var calls = Enumerable.Range(0, 40).Select(i => i % 3 == 0
            ? ann.Hub.BeginCall("send", new { room, clientId = $"c{i}", body = $"{i}", files = new[] { id } })
            : ann.Hub.BeginCall("send", new { room, clientId = $"c{i}", body = $"{i}" })).ToArray();
        var answers = await Task.WhenAll(calls);
        Assert.Equal(Enumerable.Range(1, 40).Select(seq => (long)seq), answers.Select(answer => (long)answer!["seq"]!));
    }

    internal static async Task<JsonNode> UploadAsync(ContractServer server, string token, string room, string name, string type, string content)
    {
        using var http = server.HttpOf(token);
        using var part = new StringContent(content);
        part.Headers.ContentType = new MediaTypeHeaderValue(type);
        using var form = new MultipartFormDataContent { { part, "file", name } };
        using var answer = await http.PostAsync($"/api/rooms/{room}/files", form);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync<JsonNode>())!;
    }

    private Task<JsonNode> UploadAsync(Person person, string room, string name, string type, string content) =>
        UploadAsync(server, person.Token, room, name, type, content);

    private static async Task<(HttpStatusCode Status, JsonNode Answer)> PostAsync(HttpClient http, string room, object message)
    {
        using var answer = await http.PostAsJsonAsync($"/api/rooms/{room}/messages", message);
        return (answer.StatusCode, (await answer.Content.ReadFromJsonAsync<JsonNode>())!);
    }

    private static async Task<(HttpStatusCode Status, JsonNode Answer)> GetAsync(HttpClient http, string address)
    {
        using var answer = await http.GetAsync(address);
        return (answer.StatusCode, (await answer.Content.ReadFromJsonAsync<JsonNode>())!);
    }

    private static async Task IsProblemAsync(HttpStatusCode status, string code, HttpResponseMessage answer)
    {
        using (answer)
        {
            Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
            Assert.Equal((status, code), (answer.StatusCode, (string)(await answer.Content.ReadFromJsonAsync<JsonNode>())!["code"]!));
        }
    }
}
