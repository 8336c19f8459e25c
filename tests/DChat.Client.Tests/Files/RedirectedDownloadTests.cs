using System.Collections.Concurrent;
using DChat.Client.Tests.Stub;
using DChat.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace DChat.Client.Tests.Files;

/// <summary>A server may send a download on to its storage, which is somebody else's: it gets no token.</summary>
public sealed class RedirectedDownloadTests
{
    [Fact]
    public async Task A_download_follows_to_the_storage_and_takes_no_token_there()
    {
        var headers = new ConcurrentBag<KeyValuePair<string, string>>();
        await using var storage = await StartStorageAsync(headers);
        var world = new StubWorld { FileAddress = new Uri(storage.Urls.Single() + "/bucket/file?signature=abc") };
        await using var server = await StubServer.StartAsync(world);
        await using var client = await SignedIn.ConnectAsync(server.Address);

        using var copy = new MemoryStream();
        using var file = await client.Files.DownloadAsync("r.1", copy).Within();

        Assert.Equal("abc"u8, copy.ToArray());
        Assert.Equal("a.txt", file.Name);
        Assert.DoesNotContain(headers, header => header.Key == "Authorization");
        Assert.DoesNotContain(headers, header => world.AccessTokens.Any(token => header.Value.Contains(token, StringComparison.Ordinal)));
    }

    private static async Task<WebApplication> StartStorageAsync(ConcurrentBag<KeyValuePair<string, string>> headers)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.MapGet("/bucket/file", (HttpContext context) =>
        {
            foreach (var (name, value) in context.Request.Headers)
            {
                headers.Add(new(name, value.ToString()));
            }

            headers.Add(new("(query)", context.Request.QueryString.Value ?? ""));
            context.Response.Headers.ContentDisposition = "attachment; filename=a.txt";
            return Results.Text("abc");
        });
        await app.StartAsync();
        return app;
    }
}
