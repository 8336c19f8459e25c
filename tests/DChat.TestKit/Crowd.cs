using System.Net.Http.Headers;
using System.Net.Http.Json;
using DChat.Protocol;
using Xunit;

namespace DChat.TestKit;

/// <summary>Many accounts with tokens, and the rooms that they are in, made by the administrator in one call.</summary>
public sealed record Crowd(IReadOnlyList<BulkUser> Users, IReadOnlyList<BulkRoom> Rooms)
{
    /// <summary>The id of the first room.</summary>
    public string Room => Rooms[0].Room;

    public static async Task<Crowd> MakeAsync(HttpClient http, string adminPassword, int users, int rooms = 1, int? membersPerRoom = null, string prefix = "user")
    {
        using var login = await http.PostAsJsonAsync("/api/login", new LoginRequest("admin", adminPassword));
        login.EnsureSuccessStatusCode();
        var admin = (await login.Content.ReadFromJsonAsync<TokenAnswer>())!;
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/admin/users/bulk")
        {
            Content = JsonContent.Create(new BulkUsersRequest(prefix, users, rooms, rooms == 0 ? 0 : membersPerRoom ?? users)),
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", admin.AccessToken) },
        };
        using var made = await http.SendAsync(request);
        Assert.True(made.IsSuccessStatusCode, await made.Content.ReadAsStringAsync());
        var answer = (await made.Content.ReadFromJsonAsync<BulkUsersAnswer>())!;
        return new Crowd(answer.Users, answer.Rooms);
    }

    public string Token(int user) => Users[user].AccessToken;
}
