using System.Net;
using System.Net.Http.Headers;
using DChat.Core.Registry;
using DChat.Protocol;
using DChat.Server.Coordinator;
using DChat.Server.Http.Files;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;
using static DChat.Server.Tests.Http.ApiClient;
using FileInfo = DChat.Protocol.FileInfo;

namespace DChat.Server.Tests.Http;

/// <summary>Uploading to and downloading from a room.</summary>
public sealed class FileApiTests : IAsyncLifetime
{
    private static readonly byte[] Png = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 1, 2, 3, 4, 5];
    private InProcessServer _server = null!;
    private ApiClient _api = null!;
    private string _member = "";
    private string _stranger = "";
    private string _room = "";

    public async Task InitializeAsync()
    {
        _server = await InProcessServer.StartAsync(options => options with { Limits = options.Limits with { FileBytes = 100_000, FileTypes = "text/*,image/png,application/octet-stream", FilesPerHour = 10 } });
        _api = new ApiClient(_server);
        var admin = await _api.LoginAsync("admin", _server.AdminPassword);
        var made = await ReadAsync<BulkUsersAnswer>(await _api.PostAsync("/api/admin/users/bulk", new BulkUsersRequest("user", 3, Rooms: 1, MembersPerRoom: 2), admin.AccessToken));
        (_member, _stranger, _room) = (made.Users[0].AccessToken, made.Users[2].AccessToken, made.Rooms[0].Room);
    }

    public async Task DisposeAsync()
    {
        _api.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_file_comes_back_as_it_was_with_headers_that_let_nothing_run()
    {
        var content = "<script>alert(1)</script>"u8.ToArray();
        var file = await ReadAsync<FileInfo>(await UploadAsync(_member, content, "text/html", "../../Überraschung \"1\".html"), HttpStatusCode.Created);
        Assert.Equal(("Überraschung \"1\".html", content.Length, "text/html"), (file.Name, file.Size, file.Type));

        using var answer = await _api.GetAsync($"/api/files/{file.Id}", _member);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(content, await answer.Content.ReadAsByteArrayAsync());
        Assert.Equal("text/html", answer.Content.Headers.ContentType?.ToString());
        Assert.Equal("attachment", answer.Content.Headers.ContentDisposition?.DispositionType);
        Assert.Equal(file.Name, answer.Content.Headers.ContentDisposition?.FileNameStar);
        Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
        Assert.Contains("sandbox", Assert.Single(answer.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_what_is_a_picture_by_its_bytes_is_shown_in_place()
    {
        var picture = await ReadAsync<FileInfo>(await UploadAsync(_member, Png, "text/plain", "a.png"), HttpStatusCode.Created);
        Assert.Equal("image/png", picture.Type);
        using var shown = await _api.GetAsync($"/api/files/{picture.Id}", _member);
        Assert.Equal("inline", shown.Content.Headers.ContentDisposition?.DispositionType);

        var disguised = await ReadAsync<FileInfo>(await UploadAsync(_member, "<svg onload=x>"u8.ToArray(), "image/png", "b.png"), HttpStatusCode.Created);
        Assert.Equal("application/octet-stream", disguised.Type);
        using var saved = await _api.GetAsync($"/api/files/{disguised.Id}", _member);
        Assert.Equal("attachment", saved.Content.Headers.ContentDisposition?.DispositionType);
    }

    [Fact]
    public async Task A_part_can_be_asked_for()
    {
        var file = await ReadAsync<FileInfo>(await UploadAsync(_member, "0123456789"u8.ToArray(), "text/plain", "a.txt"), HttpStatusCode.Created);
        using var http = _server.CreateHttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/files/{file.Id}");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _member);
        request.Headers.Range = new RangeHeaderValue(3, 5);
        using var answer = await http.SendAsync(request).Within();
        Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
        Assert.Equal("345", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task G6_only_members_upload_and_download_and_others_do_not_learn_that_there_is_something()
    {
        var file = await ReadAsync<FileInfo>(await UploadAsync(_member, Png, "image/png", "a.png"), HttpStatusCode.Created);
        var missing = await RefusedAsync(await _api.GetAsync($"/api/files/{file.Id[..^1]}{(file.Id[^1] == '0' ? '1' : '0')}", _member), HttpStatusCode.NotFound, ErrorCodes.NotFound);
        var hidden = await RefusedAsync(await _api.GetAsync($"/api/files/{file.Id}", _stranger), HttpStatusCode.NotFound, ErrorCodes.NotFound);
        Assert.Equal(missing, hidden);
        Assert.NotEqual(HttpStatusCode.Created, (await UploadAsync(_stranger, Png, "image/png", "a.png")).StatusCode);
        await RefusedAsync(await _api.GetAsync($"/api/files/{file.Id}"), HttpStatusCode.Unauthorized, ErrorCodes.NotSignedIn);
        await RefusedAsync(await _api.GetAsync("/api/files/..%2F..%2Fcontrol", _member), HttpStatusCode.NotFound, ErrorCodes.NotFound);
    }

    [Fact]
    public async Task What_is_too_large_or_of_another_type_is_refused_and_nothing_of_it_stays()
    {
        await RefusedAsync(await UploadAsync(_member, new byte[100_001], "text/plain", "a"), HttpStatusCode.RequestEntityTooLarge, ErrorCodes.TooLarge);
        await RefusedAsync(await UploadAsync(_member, new byte[10_000_000], "text/plain", "a"), HttpStatusCode.RequestEntityTooLarge, ErrorCodes.TooLarge); // More than is on its way at once.
        await RefusedAsync(await UploadAsync(_member, "x"u8.ToArray(), "application/zip", "a.zip"), HttpStatusCode.UnsupportedMediaType, ErrorCodes.InvalidArgument);
        using var noFile = new MultipartFormDataContent { { new StringContent("x"), "field" } };
        await RefusedAsync(await _api.PostAsync($"/api/rooms/{_room}/files", noFile, _member), HttpStatusCode.BadRequest, ErrorCodes.InvalidArgument);
        using var json = new StringContent("{}", System.Text.Encoding.UTF8, "application/json");
        await RefusedAsync(await _api.PostAsync($"/api/rooms/{_room}/files", json, _member), HttpStatusCode.UnsupportedMediaType, ErrorCodes.InvalidArgument);

        Assert.DoesNotContain(Directory.EnumerateFiles(_server.Data, "*", SearchOption.AllDirectories), file => file.Contains("/files/", StringComparison.Ordinal));
        await ReadAsync<FileInfo>(await UploadAsync(_member, new byte[100_000], "text/plain", "a"), HttpStatusCode.Created);
    }

    [Fact]
    public async Task A_user_uploads_so_many_files_an_hour()
    {
        for (var i = 0; i < 10; i++)
        {
            await ReadAsync<FileInfo>(await UploadAsync(_member, Png, "image/png", "a.png"), HttpStatusCode.Created);
        }

        var refused = await RefusedAsync(await UploadAsync(_member, Png, "image/png", "a.png"), HttpStatusCode.TooManyRequests, ErrorCodes.RateLimited);
        Assert.InRange(refused.RetryAfterMs ?? 0, 1, 3_600_000);
    }

    [Fact]
    public async Task The_files_of_a_deleted_room_are_removed()
    {
        var file = await ReadAsync<FileInfo>(await UploadAsync(_member, Png, "image/png", "a.png"), HttpStatusCode.Created);
        bool IsKept() => Directory.EnumerateFiles(_server.Data, "*", SearchOption.AllDirectories).Any(path => path.Contains("/files/", StringComparison.Ordinal));
        Assert.True(IsKept());
        var commands = _server.Services.GetRequiredService<IRegistryCommands>();
        Assert.True((await commands.SubmitAsync(new DeleteRoom("", "", 1, _room), default).Within()).Outcome.IsOk);
        await RefusedAsync(await _api.GetAsync($"/api/files/{file.Id}", _member), HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await Eventually.Holds(() => !IsKept());
    }

    [Theory]
    [InlineData("a.txt", "a.txt")]
    [InlineData("C:\\temp\\a.txt", "a.txt")]
    [InlineData("../..", "file")]
    [InlineData("", "file")]
    [InlineData(null, "file")]
    [InlineData("a\u001b[31m\r\nb\u202ecod.exe", "a[31mbcod.exe")]
    public void A_name_holds_no_folder_and_nothing_that_steers(string? given, string expected) => Assert.Equal(expected, FileEndpoints.CleanName(given));

    [Fact]
    public void A_name_has_at_most_255_characters_and_no_half_of_one() =>
        Assert.Equal(254, FileEndpoints.CleanName(string.Concat(Enumerable.Repeat("😀", 200))).Length);

    private async Task<HttpResponseMessage> UploadAsync(string token, byte[] content, string type, string name)
    {
        var file = new ByteArrayContent(content);
        file.Headers.ContentType = new MediaTypeHeaderValue(type);
        file.Headers.ContentDisposition = new ContentDispositionHeaderValue("form-data") { Name = "file", FileNameStar = name };
        using var form = new MultipartFormDataContent { file };
        return await _api.PostAsync($"/api/rooms/{_room}/files", form, token);
    }
}
