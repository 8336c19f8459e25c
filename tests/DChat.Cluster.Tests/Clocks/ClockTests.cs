using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using DChat.Protocol;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Clocks;

/// <summary>A server whose machine's wall clock is set while it runs.</summary>
public sealed class ClockTests
{
    [Fact]
    public async Task Tokens_end_by_the_servers_clock_and_one_that_was_set_ahead_and_back_takes_them_again()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerProcess.StartAsync(clock: FakeClock.Create(folder["clock"]));
        using var http = server.CreateHttpClient();
        using var login = await http.PostAsJsonAsync("/api/login", new LoginRequest("admin", server.AdminPassword));
        var tokens = (await login.Content.ReadFromJsonAsync<TokenAnswer>())!;
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", tokens.AccessToken);
        Assert.Equal(HttpStatusCode.OK, await AskAsync());

        server.Clock!.Set(TimeSpan.FromSeconds(tokens.ExpiresIn + 1));
        await Eventually.Holds(async () => await AskAsync() == HttpStatusCode.Unauthorized);
        server.Clock.Set(TimeSpan.Zero);
        await Eventually.Holds(async () => await AskAsync() == HttpStatusCode.OK);

        async Task<HttpStatusCode> AskAsync()
        {
            using var answer = await http.GetAsync("/api/admin/status");
            return answer.StatusCode;
        }
    }
}
