using DChat.Client.Sessions;
using DChat.Protocol;

namespace DChat.Client.Accounts;

/// <summary>Accounts, sessions and tokens: the calls that need no connection. Every method throws <see cref="ChatException"/> where the server refuses.</summary>
public sealed class AccountApi
{
    private readonly ChatHttp http;
    private readonly TokenKeeper tokens;

    internal AccountApi(ChatHttp http, TokenKeeper tokens)
    {
        this.http = http;
        this.tokens = tokens;
    }

    /// <summary>Makes an account and signs in with it.</summary>
    /// <param name="user">2 to 32 of <c>a-z 0-9 _ . -</c>.</param>
    /// <param name="password">8 characters or more, and none of the commonest.</param>
    /// <param name="displayName">How others see it; the user name when null.</param>
    /// <param name="invitation">A registration code, where the server asks for one.</param>
    /// <exception cref="ChatException"><c>user_taken</c>, <c>invalid_user</c>, <c>weak_password</c>, <c>registration_closed</c>, <c>rate_limited</c>.</exception>
    public Task RegisterAsync(string user, string password, string? displayName = null, string? invitation = null, CancellationToken cancel = default) =>
        SignInAsync("api/register", ChatHttp.Json(new RegisterRequest(user, password, displayName, invitation), ProtocolJson.Wire.RegisterRequest), cancel);

    /// <summary>Signs in; the session is kept in the session store.</summary>
    /// <exception cref="ChatException"><c>bad_credentials</c>, <c>rate_limited</c>.</exception>
    public Task LoginAsync(string user, string password, CancellationToken cancel = default) =>
        SignInAsync("api/login", ChatHttp.Json(new LoginRequest(user, password), ProtocolJson.Wire.LoginRequest), cancel);

    /// <summary>Signs in with an API token (<see cref="CreateTokenAsync"/>): how a bot does.</summary>
    /// <returns>Whose token it is.</returns>
    /// <exception cref="ChatException"><c>not_signed_in</c>: the token is wrong or was ended.</exception>
    public async Task<Me> UseTokenAsync(string token, CancellationToken cancel = default)
    {
        var me = await http.CallAsync(HttpMethod.Get, "api/me", null, token, ProtocolJson.Wire.Me, cancel).ConfigureAwait(false);
        await tokens.SaveAsync(new Session(me.User, token, null, null), cancel).ConfigureAwait(false);
        return me;
    }

    /// <summary>Ends the session at the server, on every worker, and forgets it here. Where the server cannot be reached it is forgotten here all the same, and the exception says so.</summary>
    public async Task LogoutAsync(CancellationToken cancel = default)
    {
        try
        {
            await CallAsync(HttpMethod.Post, "api/logout", null, cancel).ConfigureAwait(false);
        }
        catch (ChatException e) when (e.Code == ErrorCodes.NotSignedIn)
        {
            // It had ended already: that is what was wanted.
            await tokens.ForgetAsync(cancel).ConfigureAwait(false);
            return;
        }
        catch (ChatException)
        {
            await tokens.ForgetAsync(cancel).ConfigureAwait(false);
            throw;
        }

        await tokens.ForgetAsync(cancel).ConfigureAwait(false);
    }

    /// <summary>The account as the server knows it.</summary>
    public Task<Me> MeAsync(CancellationToken cancel = default) =>
        CallAsync(HttpMethod.Get, "api/me", null, ProtocolJson.Wire.Me, cancel);

    /// <summary>Changes the display name.</summary>
    public Task<Me> RenameAsync(string displayName, CancellationToken cancel = default) =>
        CallAsync(HttpMethod.Patch, "api/me", ChatHttp.Json(new ProfileRequest(displayName), ProtocolJson.Wire.ProfileRequest), ProtocolJson.Wire.Me, cancel);

    /// <summary>Changes the password; every other session of the account ends.</summary>
    /// <exception cref="ChatException"><c>bad_credentials</c>, <c>weak_password</c>.</exception>
    public Task ChangePasswordAsync(string current, string next, CancellationToken cancel = default) =>
        CallAsync(HttpMethod.Post, "api/password", ChatHttp.Json(new PasswordRequest(current, next), ProtocolJson.Wire.PasswordRequest), cancel);

    /// <summary>Closes the account for ever; its messages stay under its name.</summary>
    public async Task CloseAsync(string password, CancellationToken cancel = default)
    {
        await CallAsync(HttpMethod.Delete, "api/me", ChatHttp.Json(new CloseAccountRequest(password), ProtocolJson.Wire.CloseAccountRequest), cancel).ConfigureAwait(false);
        await tokens.ForgetAsync(cancel).ConfigureAwait(false);
    }

    /// <summary>Makes a long-lived token for a bot; <see cref="ApiToken.Token"/> is shown this once.</summary>
    /// <param name="name">1 to 64 characters, to know it by.</param>
    public Task<ApiToken> CreateTokenAsync(string name, CancellationToken cancel = default) =>
        CallAsync(HttpMethod.Post, "api/tokens", ChatHttp.Json(new NewTokenRequest(name), ProtocolJson.Wire.NewTokenRequest), ProtocolJson.Wire.ApiToken, cancel);

    /// <summary>The account's API tokens, without their secrets.</summary>
    public async Task<IReadOnlyList<ApiToken>> ListTokensAsync(CancellationToken cancel = default) =>
        (await CallAsync(HttpMethod.Get, "api/tokens", null, ProtocolJson.Wire.ApiTokens, cancel).ConfigureAwait(false)).Tokens;

    /// <summary>Ends an API token.</summary>
    public Task EndTokenAsync(string id, CancellationToken cancel = default) =>
        CallAsync(HttpMethod.Delete, "api/tokens/" + Uri.EscapeDataString(id), null, cancel);

    /// <summary>What the server is; needs no sign-in.</summary>
    public Task<InfoAnswer> InfoAsync(CancellationToken cancel = default) =>
        http.CallAsync(HttpMethod.Get, "api/info", null, null, ProtocolJson.Wire.InfoAnswer, cancel);

    private async Task SignInAsync(string path, HttpContent body, CancellationToken cancel)
    {
        var answer = await http.CallAsync(HttpMethod.Post, path, body, null, ProtocolJson.Wire.TokenAnswer, cancel).ConfigureAwait(false);
        await tokens.SaveAsync(answer, cancel).ConfigureAwait(false);
    }

    private Task<T> CallAsync<T>(HttpMethod method, string path, HttpContent? body, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, CancellationToken cancel) =>
        tokens.WithTokenAsync(token => http.CallAsync(method, path, body, token, type, cancel), cancel);

    private Task<Nothing> CallAsync(HttpMethod method, string path, HttpContent? body, CancellationToken cancel) =>
        CallAsync(method, path, body, ProtocolJson.Wire.Nothing, cancel);
}
