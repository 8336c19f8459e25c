using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Protocol;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Observability;
using DChat.Server.Security;

namespace DChat.Server.Http;

/// <summary>Making an account, signing in and out, and the password.</summary>
internal sealed class SignInEndpoints(
    RegistryWrites registry,
    Passwords passwords,
    SessionTokens tokens,
    SessionAuthenticator authenticator,
    LoginLimits limits,
    ServerOptions options,
    DChatMetrics metrics,
    TimeProvider time) : IApiEndpoints
{
    private readonly HourlyQuota _registrations = new(options.Limits.RegistrationsPerAddress, time);

    public void Map(ApiRouter router)
    {
        router.Post("/api/register", ApiAccess.Anyone, RegisterAsync);
        router.Post("/api/login", ApiAccess.Anyone, LoginAsync);
        router.Post("/api/refresh", ApiAccess.Anyone, RefreshAsync);
        router.Post("/api/logout", ApiAccess.Person, LogoutAsync);
        router.Post("/api/password", ApiAccess.Person, ChangePasswordAsync);
    }

    private async Task<IResult> RegisterAsync(ApiCall call)
    {
        var request = await call.ReadAsync(ProtocolJson.Wire.RegisterRequest);
        if (options.Registration == RegistrationMode.Closed)
        {
            throw new ApiException(ErrorCodes.RegistrationClosed, "Only an administrator makes accounts here.");
        }

        if (options.Registration == RegistrationMode.Invite && string.IsNullOrEmpty(request.Invitation))
        {
            throw new ApiException(ErrorCodes.RegistrationClosed, "Registering takes an invitation here; ask an administrator for one.");
        }

        if (UserName.Check(request.User, out var user) is { } badName)
        {
            throw new ApiException(badName, "A user name has 2 to 32 of a-z 0-9 _ . -");
        }

        CheckStrength(request.Password, user);
        if (registry.State.FindAccount(user) is not null)
        {
            throw new ApiException(ErrorCodes.UserTaken, "The name is taken.");
        }

        if (!_registrations.TryTake(LoginLimits.Network(call.Context.Connection.RemoteIpAddress), out var wait))
        {
            throw new ApiException(ErrorCodes.RateLimited, "Too many accounts were made from this address; try later.", wait);
        }

        var hash = await passwords.HashAsync(request.Password!, call.Aborted);
        var invitation = options.Registration == RegistrationMode.Invite ? SecretHash.Of(request.Invitation!) : null;
        var made = await registry.CommitAsync(new CreateAccount(RegistryWrites.NewCommandId(), user, registry.Now, user, request.DisplayName, hash, InvitationHash: invitation), call.Aborted);
        return Tokens(user, SessionTokens.NewSessionId(), made.Index, StatusCodes.Status201Created);
    }

    private async Task<IResult> LoginAsync(ApiCall call)
    {
        var request = await call.ReadAsync(ProtocolJson.Wire.LoginRequest);
        var account = UserName.Fold((request.User ?? "").Trim());
        var state = await VerifyAsync(call, account, request.Password, ErrorCodes.BadCredentials);
        return Tokens(account, SessionTokens.NewSessionId(), state.Index);
    }

    private async Task<IResult> RefreshAsync(ApiCall call)
    {
        var request = await call.ReadAsync(ProtocolJson.Wire.RefreshRequest);
        return await authenticator.AuthenticateRefreshAsync(request.RefreshToken, call.Aborted) is { } known
            ? Tokens(known.Session.User, known.Session.SessionId, known.Index)
            : throw new ApiException(ErrorCodes.BadToken, "The refresh token has expired or its session has ended; sign in again.");
    }

    private async Task<IResult> LogoutAsync(ApiCall call)
    {
        var until = registry.Now + (long)(tokens.SessionLifetime + CommandClocks.Slack).TotalMilliseconds; // Another worker's clock gave the tokens their end.
        await registry.CommitAsync(new EndSession(RegistryWrites.NewCommandId(), call.User, registry.Now, call.User, call.Session.SessionId, until), call.Aborted);
        return Results.NoContent();
    }

    private async Task<IResult> ChangePasswordAsync(ApiCall call)
    {
        var request = await call.ReadAsync(ProtocolJson.Wire.PasswordRequest);
        CheckStrength(request.New, call.User);
        await VerifyAsync(call, call.User, request.Current, ErrorCodes.WrongPassword);
        var hash = await passwords.HashAsync(request.New!, call.Aborted);
        await registry.CommitAsync(new ChangePassword(RegistryWrites.NewCommandId(), call.User, registry.Now, call.User, hash, call.Session.SessionId), call.Aborted);
        return Results.NoContent();
    }

    /// <summary>Verifies an account's password, slowed down against guessing; an account that is not there takes as long as one that is.</summary>
    /// <returns>The registry state in which the password was the right one; tokens carry its index.</returns>
    internal async Task<RegistryState> VerifyAsync(ApiCall call, string account, string? password, string wrong)
    {
        var address = call.Context.Connection.RemoteIpAddress;
        if (account.Length > UserName.MaxLength)
        {
            account = account[..UserName.MaxLength];
        }

        if (!limits.TryBegin(account, address, out var wait))
        {
            Count("rate_limited");
            throw new ApiException(ErrorCodes.RateLimited, "Too many failed attempts; wait before the next.", wait);
        }

        var state = registry.State;
        var known = state.FindAccount(account) is { CanSignIn: true } found ? found.PasswordHash : null;
        var given = password is { Length: > 0 and <= ProtocolLimits.PasswordMax } ? password : " ";
        if (!await passwords.VerifyAsync(known, given, call.Aborted))
        {
            Count(wrong);
            throw new ApiException(wrong, "User name or password are wrong.");
        }

        limits.Succeeded(account, address);
        Count("ok");
        return state;
    }

    private static void CheckStrength(string? password, string user)
    {
        if (PasswordStrength.Check(password, user) is { } weak)
        {
            throw new ApiException(weak, "A password has 8 characters or more and is not one of the commonest.");
        }
    }

    private IResult Tokens(string user, string session, long index, int status = StatusCodes.Status200OK) =>
        ApiCall.Json(tokens.Issue(user, session, index), ProtocolJson.Wire.TokenAnswer, status);

    private void Count(string result) => metrics.Logins.Add(1, new KeyValuePair<string, object?>("result", result));
}
