using DChat.Client.Accounts;
using DChat.Protocol;

namespace DChat.Client.Sessions;

/// <summary>Hands out an access token that works, and refreshes it before it expires or when a server rejects it.</summary>
internal sealed class TokenKeeper(ChatHttp http, ISessionStore store, TimeProvider time)
{
    /// <summary>A token is refreshed this long before it expires: longer than a request and the clocks' difference may take.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(45);

    /// <summary>An access token for now.</summary>
    /// <exception cref="ChatException"><c>not_signed_in</c>: there is no session, or it ended.</exception>
    public async Task<string> GetAsync(CancellationToken cancel)
    {
        var session = await store.LoadAsync(cancel).ConfigureAwait(false) ?? throw NotSignedIn();
        return IsFresh(session)
            ? session.AccessToken
            : await RefreshAsync(session.AccessToken, cancel).ConfigureAwait(false);
    }

    /// <summary>Another access token, because a server rejected this one.</summary>
    /// <exception cref="ChatException"><c>not_signed_in</c>: the session ended.</exception>
    public async Task<string> ReplaceAsync(string rejected, CancellationToken cancel) =>
        await RefreshAsync(rejected, cancel).ConfigureAwait(false);

    /// <summary>Runs a call with a token; once more with another token where the first was rejected.</summary>
    public async Task<T> WithTokenAsync<T>(Func<string, Task<T>> call, CancellationToken cancel)
    {
        var token = await GetAsync(cancel).ConfigureAwait(false);
        try
        {
            return await call(token).ConfigureAwait(false);
        }
        catch (ChatException e) when (e.Code is ErrorCodes.NotSignedIn or ErrorCodes.BadToken)
        {
            return await call(await ReplaceAsync(token, cancel).ConfigureAwait(false)).ConfigureAwait(false);
        }
    }

    public Task SaveAsync(TokenAnswer answer, CancellationToken cancel) => SaveAsync(From(answer), cancel);

    public Task SaveAsync(Session session, CancellationToken cancel) =>
        store.UpdateAsync((_, _) => Task.FromResult<Session?>(session), cancel);

    /// <summary>Whose session it is; null where nobody is signed in.</summary>
    public async Task<string?> UserAsync(CancellationToken cancel) =>
        (await store.LoadAsync(cancel).ConfigureAwait(false))?.User;

    public Task ForgetAsync(CancellationToken cancel) => store.UpdateAsync((_, _) => Task.FromResult<Session?>(null), cancel);

    private async Task<string> RefreshAsync(string old, CancellationToken cancel)
    {
        var ended = false;
        var session = await store.UpdateAsync(RefreshOnceAsync, cancel).ConfigureAwait(false);
        return ended || session is null ? throw NotSignedIn() : session.AccessToken;

        async Task<Session?> RefreshOnceAsync(Session? now, CancellationToken within)
        {
            if (now is null || (now.AccessToken != old && IsFresh(now)))
            {
                // Another process was faster, or signed out.
                return now;
            }

            if (now.RefreshToken is null)
            {
                ended = true;
                return now;
            }

            try
            {
                var body = ChatHttp.Json(new RefreshRequest(now.RefreshToken), ProtocolJson.Wire.RefreshRequest);
                return From(await http.CallAsync(HttpMethod.Post, "api/refresh", body, null, ProtocolJson.Wire.TokenAnswer, within).ConfigureAwait(false));
            }
            catch (ChatException e) when (e.Code is ErrorCodes.BadToken or ErrorCodes.NotSignedIn)
            {
                ended = true;
                return null;
            }
        }
    }

    private bool IsFresh(Session session) =>
        session.ExpiresAt is not { } expires || time.GetUtcNow() + Margin < DateTimeOffset.FromUnixTimeMilliseconds(expires);

    private Session From(TokenAnswer answer)
    {
        // Servers with short-lived tokens must not make every call a refresh.
        var lifetime = TimeSpan.FromSeconds(answer.ExpiresIn);
        var expires = time.GetUtcNow() + (lifetime > Margin * 2 ? lifetime : lifetime + Margin);
        return new Session(answer.User, answer.AccessToken, answer.RefreshToken, expires.ToUnixTimeMilliseconds());
    }

    private static ChatException NotSignedIn() => new(ErrorCodes.NotSignedIn, "Nobody is signed in, or the session ended.");
}
