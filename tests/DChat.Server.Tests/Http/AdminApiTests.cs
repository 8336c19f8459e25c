using System.Net;
using DChat.Protocol;
using DChat.Server.Cli;
using DChat.TestKit;
using static DChat.Server.Tests.Http.ApiClient;

namespace DChat.Server.Tests.Http;

/// <summary>Registration modes, invitations, and what administrators do.</summary>
public sealed class AdminApiTests
{
    [Fact]
    public async Task With_registration_by_invitation_a_code_makes_as_many_accounts_as_it_says()
    {
        await using var server = await InProcessServer.StartAsync(options => options with { Registration = RegistrationMode.Invite });
        using var api = new ApiClient(server);
        var admin = await api.LoginAsync("admin", server.AdminPassword);

        await RefusedAsync(await RegisterAsync(api, "ann", null), HttpStatusCode.Forbidden, ErrorCodes.RegistrationClosed);
        await RefusedAsync(await RegisterAsync(api, "ann", "made-up"), HttpStatusCode.Forbidden, ErrorCodes.RegistrationClosed);
        var invitation = await ReadAsync<InvitationAnswer>(await api.PostAsync("/api/admin/invitations", new NewInvitationRequest(Uses: 2), admin.AccessToken), HttpStatusCode.Created);
        await ReadAsync<TokenAnswer>(await RegisterAsync(api, "ann", invitation.Code), HttpStatusCode.Created);
        var bob = await ReadAsync<TokenAnswer>(await RegisterAsync(api, "bob", invitation.Code), HttpStatusCode.Created);
        await RefusedAsync(await RegisterAsync(api, "cid", invitation.Code), HttpStatusCode.Forbidden, ErrorCodes.RegistrationClosed);

        await RefusedAsync(await api.PostAsync("/api/admin/invitations", new NewInvitationRequest(), bob.AccessToken), HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
        await RefusedAsync(await api.PostAsync("/api/admin/invitations", new NewInvitationRequest()), HttpStatusCode.Unauthorized, ErrorCodes.NotSignedIn);
    }

    [Fact]
    public async Task With_registration_closed_only_an_administrator_makes_accounts()
    {
        await using var server = await InProcessServer.StartAsync(options => options with { Registration = RegistrationMode.Closed });
        using var api = new ApiClient(server);
        await RefusedAsync(await RegisterAsync(api, "ann", null), HttpStatusCode.Forbidden, ErrorCodes.RegistrationClosed);

        var admin = await api.LoginAsync("admin", server.AdminPassword);
        await ReadAsync<Me>(await api.PostAsync("/api/admin/users", new RegisterRequest("ann", Password), admin.AccessToken), HttpStatusCode.Created);
        var ann = await api.LoginAsync("ann");

        await NoContentAsync(await api.PostAsync("/api/admin/users/ann/password", new PasswordRequest(null, "a fresh password"), admin.AccessToken));
        await RefusedAsync(await api.GetAsync("/api/me", ann.AccessToken), HttpStatusCode.Unauthorized, ErrorCodes.NotSignedIn);
        await api.LoginAsync("ann", "a fresh password");
    }

    [Fact]
    public async Task A_disabled_account_is_out_at_once_and_may_come_back_when_it_is_enabled()
    {
        await using var server = await InProcessServer.StartAsync();
        using var api = new ApiClient(server);
        var admin = await api.LoginAsync("admin", server.AdminPassword);
        var ann = await api.RegisterAsync("ann");
        var bot = await ReadAsync<ApiToken>(await api.PostAsync("/api/tokens", new NewTokenRequest("bot"), ann.AccessToken), HttpStatusCode.Created);

        await NoContentAsync(await api.PostAsync("/api/admin/users/ann/disable", new DisableAccountRequest("left the company"), admin.AccessToken));
        await RefusedAsync(await api.GetAsync("/api/me", ann.AccessToken), HttpStatusCode.Unauthorized, ErrorCodes.NotSignedIn);
        await RefusedAsync(await api.GetAsync("/api/me", bot.Token), HttpStatusCode.Unauthorized, ErrorCodes.NotSignedIn);
        await RefusedAsync(await api.PostAsync("/api/login", new LoginRequest("ann", Password)), HttpStatusCode.Unauthorized, ErrorCodes.BadCredentials);

        await NoContentAsync(await api.PostAsync("/api/admin/users/ann/enable", token: admin.AccessToken));
        await api.LoginAsync("ann");
        await RefusedAsync(await api.GetAsync("/api/me", ann.AccessToken), HttpStatusCode.Unauthorized, ErrorCodes.NotSignedIn);
        await RefusedAsync(await api.PostAsync("/api/admin/users/nobody/enable", token: admin.AccessToken), HttpStatusCode.NotFound, ErrorCodes.NotFound);
    }

    [Fact]
    public async Task Administration_is_granted_and_taken_but_the_last_administrator_stays()
    {
        await using var server = await InProcessServer.StartAsync();
        using var api = new ApiClient(server);
        var admin = await api.LoginAsync("admin", server.AdminPassword);
        var ann = await api.RegisterAsync("ann");
        await RefusedAsync(await api.SendAsync(HttpMethod.Delete, "/api/admin/users/admin/roles/admin", token: admin.AccessToken), HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
        await NoContentAsync(await api.SendAsync(HttpMethod.Put, "/api/admin/users/ann/roles/admin", token: admin.AccessToken));
        await NoContentAsync(await api.SendAsync(HttpMethod.Delete, "/api/admin/users/admin/roles/admin", token: ann.AccessToken));
        await RefusedAsync(await api.SendAsync(HttpMethod.Put, "/api/admin/users/admin/roles/admin", token: admin.AccessToken), HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
    }

    [Fact]
    public async Task Bulk_accounts_get_tokens_and_rooms_and_the_same_call_again_changes_nothing()
    {
        await using var server = await InProcessServer.StartAsync();
        using var api = new ApiClient(server);
        var admin = await api.LoginAsync("admin", server.AdminPassword);
        var request = new BulkUsersRequest("load", 50, Rooms: 10, MembersPerRoom: 20);
        BulkUsersAnswer? first = null;
        for (var round = 0; round < 2; round++)
        {
            var made = await ReadAsync<BulkUsersAnswer>(await api.PostAsync("/api/admin/users/bulk", request, admin.AccessToken));
            Assert.Equal(Enumerable.Range(0, 50).Select(i => $"load{i}"), made.Users.Select(user => user.User));
            Assert.Equal(10, made.Rooms.Select(room => room.Room).Distinct().Count());
            Assert.All(made.Rooms, room => Assert.Equal(20, room.Members.Distinct().Count()));
            Assert.Equal(4, made.Rooms.Count(room => room.Members.Contains(7)));
            Assert.Equal("load7", (await ReadAsync<Me>(await api.GetAsync("/api/me", made.Users[7].AccessToken))).User);
            first ??= made;
            Assert.Equal(first.Rooms.Select(room => room.Room), made.Rooms.Select(room => room.Room));
        }

        await api.RegisterAsync("people0");
        await RefusedAsync(await api.PostAsync("/api/admin/users/bulk", new BulkUsersRequest("people", 2), admin.AccessToken), HttpStatusCode.Conflict, ErrorCodes.UserTaken);
        await RefusedAsync(await api.PostAsync("/api/admin/users/bulk", new BulkUsersRequest("x", 20_001), admin.AccessToken), HttpStatusCode.BadRequest, ErrorCodes.InvalidArgument);
    }

    private static Task<HttpResponseMessage> RegisterAsync(ApiClient api, string user, string? invitation) =>
        api.PostAsync("/api/register", new RegisterRequest(user, Password, Invitation: invitation));
}
