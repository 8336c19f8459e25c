using System.Net.Http.Json;
using System.Text.Json.Nodes;
using DChat.Protocol;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Cluster;

/// <summary>What clients and the administrator ask of a cluster under test.</summary>
internal static class ClusterCalls
{
    /// <summary>Sends, and repeats what is unavailable for the moment, as clients do; answers the seq.</summary>
    public static async Task<long> SendAsync(HubProbe probe, string room, string clientId, string body)
    {
        long? seq = null;
        await Eventually.Holds(async () =>
        {
            try
            {
                seq = (long)(await probe.CallAsync("send", new { room, clientId, body }))!["seq"]!;
                return true;
            }
            catch (HubCallFailedException refused) when (refused.Error?.Code == ErrorCodes.Unavailable)
            {
                return false;
            }
        });
        return seq!.Value;
    }

    public static async Task MoveAsync(HttpClient http, string room, string worker)
    {
        await SignInAsync(http);
        (await http.PostAsJsonAsync($"api/admin/rooms/{room}/move", new { worker })).EnsureSuccessStatusCode();
    }

    public static async Task SignInAsync(HttpClient http)
    {
        var login = await http.PostAsJsonAsync("api/login", new { user = "admin", password = ClusterUnderTest.AdminPassword });
        var token = (string)(await login.Content.ReadFromJsonAsync<JsonNode>())!["accessToken"]!;
        http.DefaultRequestHeaders.Authorization = new("Bearer", token);
    }

    public static async Task<string> IdOfAsync(ServerProcess worker)
    {
        using var other = worker.CreateHttpClient();
        return (string)(await other.GetFromJsonAsync<JsonNode>("api/info"))!["worker"]!;
    }

    public static async Task<JsonNode?> StatusAsync(HttpClient http)
    {
        using var answer = await http.GetAsync("api/admin/status");
        return answer.IsSuccessStatusCode ? await answer.Content.ReadFromJsonAsync<JsonNode>() : null;
    }
}
