using System.Net;
using DChat.Core.Messages;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace DChat.Server.Tests.Worker;

public sealed class ReadinessTests
{
    [Fact]
    public async Task A_worker_with_a_damaged_store_is_not_ready_and_says_why()
    {
        await using var server = await InProcessServer.StartAsync(adjust: FaultyMessageStore.Wrap);
        using var http = server.CreateHttpClient();
        var store = (FaultyMessageStore)server.Services.GetRequiredService<IMessageStore>();
        store.CheckFault = () => new MessageStoreDamagedException("a page is damaged");
        await Eventually.Holds(async () =>
        {
            using var answer = await http.GetAsync("/health/ready").Within();
            return answer.StatusCode == HttpStatusCode.ServiceUnavailable && (await answer.Content.ReadAsStringAsync()).Contains("a page is damaged", StringComparison.Ordinal);
        });
        store.CheckFault = null;
    }
}
