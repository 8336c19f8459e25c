using System.Net;
using DChat.Core.Registry;
using DChat.Protocol;
using DChat.Server.Coordinator;
using DChat.Server.Tests.Security;
using DChat.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using static DChat.Server.Tests.Http.ApiClient;
using ApiToken = DChat.Protocol.ApiToken;

namespace DChat.Server.Tests.Http;

/// <summary>Accounts, sessions and tokens over HTTP.</summary>
public sealed class AccountApiTests : IAsyncLifetime
{
    private readonly ShiftedTime _time = new();
    private InProcessServer _server = null!;
    private ApiClient _api = null!;

    public async Task InitializeAsync()
    {
        _server = await InProcessServer.StartAsync(
            options => options with { Limits = options.Limits with { LoginAttemptsPerAccount = 3, TokensPerUser = 2 } },
            builder => builder.Services.Replace(ServiceDescriptor.Singleton<TimeProvider>(_time)));
        _api = new ApiClient(_server);
    }

    public async Task DisposeAsync()
    {
        _api.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Who_registers_is_signed_in_under_the_name_in_lower_case()
    {
        var tokens = await _api.RegisterAsync("Ann");
        Assert.Equal(("ann", 300), (tokens.User, tokens.ExpiresIn));
        var me = await MeAsync(tokens.AccessToken);
        Assert.Equal(("ann", "ann"), (me.User, me.DisplayName));
        Assert.Empty(me.Roles);

        await RefusedAsync(await RegisterAsync("ANN", Password), HttpStatusCode.Conflict, ErrorCodes.UserTaken);
        await RefusedAsync(await RegisterAsync("a", Password), HttpStatusCode.BadRequest, ErrorCodes.InvalidUser);
        await RefusedAsync(await RegisterAsync("bob", "password1"), HttpStatusCode.BadRequest, ErrorCodes.WeakPassword);
        await RefusedAsync(await RegisterAsync("bob", "short"), HttpStatusCode.BadRequest, ErrorCodes.WeakPassword);
    }

    [Fact]
    public async Task The_first_administrator_signs_in_with_the_kept_password()
    {
        var tokens = await _api.LoginAsync("admin", _server.AdminPassword);
        Assert.Equal(["admin"], (await MeAsync(tokens.AccessToken)).Roles);
    }

    [Fact]
    public async Task A_wrong_password_an_unknown_user_and_a_name_that_is_none_get_the_same_answer()
    {
        await _api.RegisterAsync("ann");
        var wrong = await RefusedAsync(await LoginAsync("ann", "not it at all"), HttpStatusCode.Unauthorized, ErrorCodes.BadCredentials);
        var unknown = await RefusedAsync(await LoginAsync("nobody", "not it at all"), HttpStatusCode.Unauthorized, ErrorCodes.BadCredentials);
        var none = await RefusedAsync(await LoginAsync("not a name", ""), HttpStatusCode.Unauthorized, ErrorCodes.BadCredentials);
        Assert.Equal(wrong, unknown);
        Assert.Equal(wrong, none);
    }

    [Fact]
    public async Task Guessing_is_slowed_down_and_the_right_password_too_until_the_wait_is_over()
    {
        await _api.RegisterAsync("ann");
        _time.Stand();
        for (var i = 0; i < 3; i++)
        {
            await RefusedAsync(await LoginAsync("ann", $"guess number {i}"), HttpStatusCode.Unauthorized, ErrorCodes.BadCredentials);
        }

        using var answer = await LoginAsync("ann", Password);
        Assert.Equal(TimeSpan.FromSeconds(1), answer.Headers.RetryAfter?.Delta);
        var problem = await RefusedAsync(answer, HttpStatusCode.TooManyRequests, ErrorCodes.RateLimited);
        Assert.InRange(problem.RetryAfterMs ?? 0, 1, 1_000);
        _time.Advance(TimeSpan.FromSeconds(2));
        await _api.LoginAsync("ann");
    }

    [Fact]
    public async Task An_access_token_expires_and_the_refresh_token_brings_a_new_one_of_the_same_session()
    {
        var tokens = await _api.RegisterAsync("ann");
        _time.Advance(TimeSpan.FromMinutes(6));
        await NotSignedInAsync(tokens.AccessToken);

        var refreshed = await ReadAsync<TokenAnswer>(await RefreshAsync(tokens.RefreshToken));
        Assert.Equal("ann", (await MeAsync(refreshed.AccessToken)).User);
        await RefusedAsync(await RefreshAsync(refreshed.AccessToken), HttpStatusCode.Unauthorized, ErrorCodes.BadToken);
        await RefusedAsync(await RefreshAsync("rubbish"), HttpStatusCode.Unauthorized, ErrorCodes.BadToken);
        await NotSignedInAsync(refreshed.RefreshToken);

        _time.Advance(TimeSpan.FromDays(15));
        await RefusedAsync(await RefreshAsync(refreshed.RefreshToken), HttpStatusCode.Unauthorized, ErrorCodes.BadToken);
    }

    [Fact]
    public async Task Logging_out_ends_one_session_at_once_and_no_other()
    {
        var first = await _api.RegisterAsync("ann");
        var second = await _api.LoginAsync("ann");
        await NoContentAsync(await _api.PostAsync("/api/logout", token: first.AccessToken));
        await NotSignedInAsync(first.AccessToken);
        await RefusedAsync(await RefreshAsync(first.RefreshToken), HttpStatusCode.Unauthorized, ErrorCodes.BadToken);
        await MeAsync(second.AccessToken);
    }

    [Fact]
    public async Task A_new_password_ends_every_other_session_but_not_the_one_that_set_it()
    {
        var mine = await _api.RegisterAsync("ann");
        var other = await _api.LoginAsync("ann");
        await RefusedAsync(await ChangePasswordAsync(mine.AccessToken, "wrong current one", "another good one"), HttpStatusCode.Forbidden, ErrorCodes.WrongPassword);
        await RefusedAsync(await ChangePasswordAsync(mine.AccessToken, Password, "12345678"), HttpStatusCode.BadRequest, ErrorCodes.WeakPassword);
        await NoContentAsync(await ChangePasswordAsync(mine.AccessToken, Password, "another good one"));

        await NotSignedInAsync(other.AccessToken);
        await RefusedAsync(await RefreshAsync(other.RefreshToken), HttpStatusCode.Unauthorized, ErrorCodes.BadToken);
        await MeAsync(mine.AccessToken);
        await MeAsync((await ReadAsync<TokenAnswer>(await RefreshAsync(mine.RefreshToken))).AccessToken);
        await RefusedAsync(await LoginAsync("ann", Password), HttpStatusCode.Unauthorized, ErrorCodes.BadCredentials);
        await MeAsync((await _api.LoginAsync("ann", "another good one")).AccessToken);
    }

    [Fact]
    public async Task A_display_name_can_be_changed_and_a_bad_one_is_refused()
    {
        var ann = await _api.RegisterAsync("ann");
        var me = await ReadAsync<Me>(await _api.SendAsync(HttpMethod.Patch, "/api/me", new ProfileRequest("Ann Lee"), ann.AccessToken));
        Assert.Equal("Ann Lee", me.DisplayName);
        await RefusedAsync(await _api.SendAsync(HttpMethod.Patch, "/api/me", new ProfileRequest("a\u001b[31m"), ann.AccessToken), HttpStatusCode.BadRequest, ErrorCodes.InvalidArgument);
    }

    [Fact]
    public async Task A_closed_account_is_gone_and_its_name_stays_taken()
    {
        var ann = await _api.RegisterAsync("ann");
        await RefusedAsync(await _api.SendAsync(HttpMethod.Delete, "/api/me", new CloseAccountRequest("wrong one here"), ann.AccessToken), HttpStatusCode.Forbidden, ErrorCodes.WrongPassword);
        await NoContentAsync(await _api.SendAsync(HttpMethod.Delete, "/api/me", new CloseAccountRequest(Password), ann.AccessToken));
        await NotSignedInAsync(ann.AccessToken);
        await RefusedAsync(await LoginAsync("ann", Password), HttpStatusCode.Unauthorized, ErrorCodes.BadCredentials);
        await RefusedAsync(await RegisterAsync("ann", Password), HttpStatusCode.Conflict, ErrorCodes.UserTaken);
    }

    [Fact]
    public async Task A_bots_token_is_shown_once_lives_until_it_is_ended_and_can_not_manage_the_account()
    {
        var ann = await _api.RegisterAsync("ann");
        var made = await ReadAsync<ApiToken>(await _api.PostAsync("/api/tokens", new NewTokenRequest("deploy bot"), ann.AccessToken), HttpStatusCode.Created);
        _server.Log.Forbid(made.Token!);
        _time.Advance(TimeSpan.FromDays(10));
        Assert.Equal("ann", (await MeAsync(made.Token!)).User);

        var again = await _api.LoginAsync("ann");
        var listed = await ReadAsync<ApiTokens>(await _api.GetAsync("/api/tokens", again.AccessToken));
        Assert.Equal(made with { Token = null }, Assert.Single(listed.Tokens));

        await RefusedAsync(await _api.PostAsync("/api/tokens", new NewTokenRequest("another"), made.Token), HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
        await RefusedAsync(await ChangePasswordAsync(made.Token!, Password, "another good one"), HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
        await NotSignedInAsync(made.Token! + "0");
        await NotSignedInAsync(made.Id + ".");
        await NotSignedInAsync("." + made.Token);

        await ReadAsync<ApiToken>(await _api.PostAsync("/api/tokens", new NewTokenRequest("second"), again.AccessToken), HttpStatusCode.Created);
        await RefusedAsync(await _api.PostAsync("/api/tokens", new NewTokenRequest("third"), again.AccessToken), HttpStatusCode.RequestEntityTooLarge, ErrorCodes.TooLarge);

        await NoContentAsync(await _api.SendAsync(HttpMethod.Delete, $"/api/tokens/{made.Id}", token: again.AccessToken));
        await NotSignedInAsync(made.Token!);
    }

    [Fact]
    public async Task A_token_that_was_changed_by_one_character_is_worth_nothing()
    {
        var ann = await _api.RegisterAsync("ann");
        var middle = ann.AccessToken.Length / 2;
        await NotSignedInAsync(ann.AccessToken[..middle] + (ann.AccessToken[middle] == 'A' ? 'B' : 'A') + ann.AccessToken[(middle + 1)..]);
        await NotSignedInAsync(new string('A', 8_000));
        await NotSignedInAsync("");
    }

    [Fact]
    public async Task A_new_protection_key_is_used_without_a_restart_and_tokens_of_the_old_one_stay_good()
    {
        var replica = _server.Services.GetRequiredService<RegistryReplica>();
        var factory = _server.Services.GetRequiredService<IProtectionKeyFactory>();
        Assert.Null(factory.CreateIfDue(replica.State.ProtectionKeys, _time.GetUtcNow()));

        var old = await _api.RegisterAsync("ann");
        var key = factory.CreateIfDue([], _time.GetUtcNow())!;
        var later = _time.GetUtcNow().AddDays(89);
        Assert.Equal(replica.State.ProtectionKeys[0].ExpiresAt, factory.CreateIfDue(replica.State.ProtectionKeys, later)!.ActivatesAt);

        var commands = _server.Services.GetRequiredService<IRegistryCommands>();
        var added = await commands.SubmitAsync(new AddProtectionKey("", "", key.CreatedAt, key.KeyId, key.Sealed, key.CreatedAt, key.ActivatesAt, key.ExpiresAt), default).Within();
        Assert.True(added.Outcome.IsOk, added.Outcome.Text);

        // The framework reads the keys again behind the first use.
        TokenAnswer fresh = old;
        await Eventually.Holds(async () => KeyOf((fresh = await _api.LoginAsync("ann")).AccessToken) == Guid.ParseExact(key.KeyId, "N"));
        Assert.NotEqual(KeyOf(old.AccessToken), KeyOf(fresh.AccessToken));
        await MeAsync(fresh.AccessToken);
        await MeAsync(old.AccessToken);
    }

    /// <summary>A protected payload begins with 4 bytes that say what it is, and the 16 of its key's id.</summary>
    private static Guid KeyOf(string token) => new(System.Buffers.Text.Base64Url.DecodeFromChars(token).AsSpan(4, 16));

    private Task<HttpResponseMessage> RegisterAsync(string user, string password) => _api.PostAsync("/api/register", new RegisterRequest(user, password));

    private Task<HttpResponseMessage> LoginAsync(string user, string password) => _api.PostAsync("/api/login", new LoginRequest(user, password));

    private Task<HttpResponseMessage> RefreshAsync(string token) => _api.PostAsync("/api/refresh", new RefreshRequest(token));

    private Task<HttpResponseMessage> ChangePasswordAsync(string token, string current, string next) =>
        _api.PostAsync("/api/password", new PasswordRequest(current, next), token);

    private async Task<Me> MeAsync(string token) => await ReadAsync<Me>(await _api.GetAsync("/api/me", token));

    private async Task NotSignedInAsync(string token) =>
        await RefusedAsync(await _api.GetAsync("/api/me", token), HttpStatusCode.Unauthorized, ErrorCodes.NotSignedIn);
}
