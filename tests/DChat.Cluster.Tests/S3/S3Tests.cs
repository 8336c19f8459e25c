using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using DChat.Client;
using DChat.Protocol;
using DChat.TestKit;

namespace DChat.Cluster.Tests.S3;

/// <summary>The server with its blobs in a real S3 server: files go there and come back, and what is set up wrong is named.</summary>
public sealed class S3Tests(S3Tests.Swift fixture) : IClassFixture<S3Tests.Swift>
{
    private const string Bucket = ServerOnS3.Bucket;
    private const int FileBytes = 12 * 1024 * 1024;

    private readonly SwiftServer _swift = fixture.Server;

    [Theory]
    [InlineData("redirect")]
    [InlineData("server")]
    public async Task G6_files_larger_than_a_part_go_to_the_bucket_and_come_back_to_members_only(string downloads)
    {
        await using var server = await ServerOnS3.StartAsync(_swift, $"&part-size=5&downloads={downloads}");
        await using var alice = await ServerOnS3.RegisterAsync(server, "alice");
        await using var mallory = await ServerOnS3.RegisterAsync(server, "mallory");
        var room = await alice.CreateRoomAsync("garden", visibility: Visibilities.Private).Within();
        var content = ServerOnS3.Noise(FileBytes);

        var file = await alice.Files.UploadAsync(room.Id, "bäume \"1\".bin", new MemoryStream(content)).Within();

        await Eventually.Holds(() => _swift.Requests.Any(request => request.StartsWith($"PUT /{Bucket}/dchat/files/{room.Id}/", StringComparison.Ordinal) && request.Contains("partNumber=3", StringComparison.Ordinal)));
        using var copy = new MemoryStream();
        using var received = await alice.Files.DownloadAsync(file.Id, copy).Within();
        Assert.Equal(content, copy.ToArray());
        Assert.Equal(("bäume \"1\".bin", "application/octet-stream", FileBytes), (received.Name, received.Type, received.Size));
        Assert.Equal(ErrorCodes.NotFound, (await Assert.ThrowsAsync<ChatException>(() => mallory.Files.OpenAsync(file.Id).Within())).Code);

        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = server.Client };
        using var answer = await GetAsync(http, alice, $"/api/files/{file.Id}");
        Assert.True(answer.Headers.CacheControl is { NoStore: true, Private: true });
        if (downloads == "server")
        {
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
            return;
        }

        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        Assert.StartsWith(_swift.Endpoint.ToString(), answer.Headers.Location!.ToString(), StringComparison.Ordinal);
        using var stranger = new HttpClient();
        using var fetched = await stranger.GetAsync(answer.Headers.Location);
        Assert.Equal(content, await fetched.Content.ReadAsByteArrayAsync());
        Assert.Equal("attachment", fetched.Content.Headers.ContentDisposition!.DispositionType);
        Assert.Equal("bäume \"1\".bin", fetched.Content.Headers.ContentDisposition.FileNameStar);
    }

    [Theory]
    [InlineData("the bucket", "there is no bucket \"another-bucket\"", "make it")]
    [InlineData("the secret", "access key and secret do not belong together", "AWS_SECRET_ACCESS_KEY")]
    [InlineData("the rights", "do not have the rights", "s3:PutObject")]
    [InlineData("the region", "is in another region", "region=")]
    [InlineData("no credentials", "no credentials are to be found", "AWS_ACCESS_KEY_ID")]
    public async Task A_start_with_a_bucket_that_can_not_be_used_is_refused_with_flag_value_and_remedy(string wrong, string problem, string remedy)
    {
        var environment = new Dictionary<string, string>(SwiftServer.Environment)
        {
            ["AWS_CONFIG_FILE"] = "/dev/null",
            ["AWS_SHARED_CREDENTIALS_FILE"] = "/dev/null",
        };
        var url = _swift.Url(Bucket);
        switch (wrong)
        {
            case "the bucket":
                url = _swift.Url("another-bucket");
                break;
            case "the secret":
                environment["AWS_SECRET_ACCESS_KEY"] = SwiftServer.Secret + "x";
                break;
            case "the rights":
                environment["AWS_ACCESS_KEY_ID"] = SwiftServer.StrangersAccessKey;
                break;
            case "the region":
                url = url.Replace(SwiftServer.Region, "eu-central-1", StringComparison.Ordinal);
                break;
            default:
                environment.Remove("AWS_ACCESS_KEY_ID");
                environment.Remove("AWS_SECRET_ACCESS_KEY");
                break;
        }

        using var folder = new TemporaryFolder();
        foreach (var verb in (string[][])[[], ["config", "check"]])
        {
            var (code, output, error) = await ServerProcess.RunAsync([.. verb, "--data", folder["data"], "--port", "0", "--node-port", "0", "--blobs", url], environment);
            Assert.Equal(2, code);
            Assert.Contains($"--blobs {url}", error, StringComparison.Ordinal);
            Assert.Contains(problem, error, StringComparison.Ordinal);
            Assert.Contains(remedy, error, StringComparison.Ordinal);
            Assert.DoesNotContain(SwiftServer.Secret, output + error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Config_show_tells_where_blobs_are_and_config_check_that_they_can_be_kept_there()
    {
        using var folder = new TemporaryFolder();
        string[] flags = ["--data", folder["data"], "--port", "0", "--node-port", "0", "--blobs", _swift.Url(Bucket)];

        var (checkedCode, _, checkedError) = await ServerProcess.RunAsync(["config", "check", .. flags], SwiftServer.Environment);
        Assert.True(checkedCode == 0, checkedError);
        var (shownCode, shown, _) = await ServerProcess.RunAsync(["config", "show", .. flags], SwiftServer.Environment);
        Assert.Equal(0, shownCode);
        Assert.Contains($"blobs = {_swift.Url(Bucket)}", shown, StringComparison.Ordinal);
        Assert.DoesNotContain(SwiftServer.Secret, shown, StringComparison.Ordinal);
    }

    private static async Task<HttpResponseMessage> GetAsync(HttpClient http, ChatClient client, string path)
    {
        using var login = await http.PostAsJsonAsync("/api/login", new { user = client.Me!.User, password = ServerOnS3.Password });
        var token = (string)(await login.Content.ReadFromJsonAsync<JsonNode>())!["accessToken"]!;
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) } };
        return await http.SendAsync(request);
    }

    /// <summary>One for all: nothing is done to it.</summary>
    public sealed class Swift : IAsyncLifetime
    {
        public SwiftServer Server { get; private set; } = null!;

        public async Task InitializeAsync() => Server = await ServerOnS3.StartSwiftAsync();

        public async Task DisposeAsync() => await Server.DisposeAsync();
    }
}
