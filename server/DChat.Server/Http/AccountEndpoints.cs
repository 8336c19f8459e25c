using DChat.Core.Registry;
using DChat.Protocol;
using DChat.Server.Security;
using ApiToken = DChat.Protocol.ApiToken;

namespace DChat.Server.Http;

/// <summary>The caller's own account and its bots' tokens.</summary>
internal sealed class AccountEndpoints(RegistryWrites registry, SignInEndpoints signIn) : IApiEndpoints
{
    /// <summary>What <see cref="CloseAccount"/> results in while rooms are left to leave.</summary>
    private const string More = "more";

    public void Map(ApiRouter router)
    {
        router.Get("/api/me", ApiAccess.SignedIn, call => Task.FromResult(Describe(call.User)));
        router.Patch("/api/me", ApiAccess.Person, RenameAsync);
        router.Delete("/api/me", ApiAccess.Person, CloseAsync);
        router.Get("/api/tokens", ApiAccess.Person, call => Task.FromResult(ListTokens(call.User)));
        router.Post("/api/tokens", ApiAccess.Person, MakeTokenAsync);
        router.Delete("/api/tokens/{id}", ApiAccess.Person, EndTokenAsync);
    }

    private async Task<IResult> RenameAsync(ApiCall call)
    {
        var request = await call.ReadAsync(ProtocolJson.Wire.ProfileRequest);
        if (request.DisplayName is { } name)
        {
            await registry.CommitAsync(new SetDisplayName(RegistryWrites.NewCommandId(), call.User, registry.Now, call.User, name), call.Aborted);
        }

        return Describe(call.User);
    }

    private async Task<IResult> CloseAsync(ApiCall call)
    {
        var request = await call.ReadAsync(ProtocolJson.Wire.CloseAccountRequest);
        await signIn.VerifyAsync(call, call.User, request.Password, ErrorCodes.WrongPassword);
        var result = await registry.CommitAsync(new CloseAccount(RegistryWrites.NewCommandId(), call.User, registry.Now, call.User), call.Aborted);
        while (result.Outcome.Result == More)
        {
            // The account is closed; what is left is to leave its rooms, also when the caller is gone.
            result = await registry.CommitAsync(new CloseAccount(RegistryWrites.NewCommandId(), "", registry.Now, call.User), CancellationToken.None);
        }

        return Results.NoContent();
    }

    private async Task<IResult> MakeTokenAsync(ApiCall call)
    {
        var request = await call.ReadAsync(ProtocolJson.Wire.NewTokenRequest);
        var (id, token, hash) = BotTokens.New();
        await registry.CommitAsync(new CreateApiToken(RegistryWrites.NewCommandId(), call.User, registry.Now, call.User, id, request.Name ?? "", hash), call.Aborted);
        var made = registry.State.FindApiToken(id)!;
        return ApiCall.Json(new ApiToken(made.Id, made.Name, made.CreatedAt, token), ProtocolJson.Wire.ApiToken, StatusCodes.Status201Created);
    }

    private async Task<IResult> EndTokenAsync(ApiCall call)
    {
        await registry.CommitAsync(new EndApiToken(RegistryWrites.NewCommandId(), call.User, registry.Now, call.User, call.Route("id")), call.Aborted);
        return Results.NoContent();
    }

    private IResult ListTokens(string user) => ApiCall.Json(
        new ApiTokens([.. registry.State.ApiTokensOf(user).Select(token => new ApiToken(token.Id, token.Name, token.CreatedAt))]),
        ProtocolJson.Wire.ApiTokens);

    private IResult Describe(string user)
    {
        var account = registry.State.FindAccount(user)!;
        return ApiCall.Json(new Me(account.Name, account.DisplayName, account.IsAdmin ? ["admin"] : []), ProtocolJson.Wire.Me);
    }
}
