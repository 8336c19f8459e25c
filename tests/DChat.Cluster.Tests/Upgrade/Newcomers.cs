using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using DChat.Protocol;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Upgrade;

/// <summary>Whoever comes at a moment changes the registry over every worker: makes an account and a room, and joins the room that was made over the worker before.</summary>
internal sealed class Newcomers(ClusterUnderTest cluster)
{
    private const string Password = "newcomer's password 1";

    private string? _room;
    private int _came;

    public async Task ComeAsync()
    {
        foreach (var worker in cluster.Workers)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"newcomer{++_came}");
            using var http = worker.CreateHttpClient();
            using var registered = await http.PostAsJsonAsync("api/register", new RegisterRequest(name, Password));
            Assert.True(registered.StatusCode == HttpStatusCode.Created, $"{name}: {registered.StatusCode}, {await registered.Content.ReadAsStringAsync()}");
            await using var probe = await HubProbe.ConnectAsync(worker.Client, (await registered.Content.ReadFromJsonAsync<TokenAnswer>())!.AccessToken);
            if (_room is not null)
            {
                await probe.CallAsync("joinRoom", new { room = _room });
                await probe.CallAsync("send", new { room = _room, clientId = name, body = "I came" });
            }

            _room = (string)(await probe.CallAsync("createRoom", new { name = $"room of {name}" }))!["id"]!;
        }
    }
}
