using System.Globalization;
using DChat.Core.Registry;
using DChat.Core.Rooms;
using DChat.Protocol;
using DChat.Server.Security;

namespace DChat.Server.Http.Administration;

/// <summary>What administrators do with accounts; each leaves a line in the registry's audit trail.</summary>
internal sealed class AccountAdministration(RegistryWrites registry, Passwords passwords) : IApiEndpoints
{
    private const string AdminRole = "admin";
    private const int InvitationBytes = 12;
    private const int InvitationDays = 7;
    private const int InvitationDaysMax = 365;

    public void Map(ApiRouter router)
    {
        router.Get("/api/admin/users", ApiAccess.Administrator, call => Task.FromResult(List(call)));
        router.Post("/api/admin/users", ApiAccess.Administrator, MakeAccountAsync);
        router.Post("/api/admin/users/{user}/disable", ApiAccess.Administrator, DisableAsync);
        router.Post("/api/admin/users/{user}/enable", ApiAccess.Administrator, call => DoAsync(call, new EnableAccount(RegistryWrites.NewCommandId(), call.User, registry.Now, call.Route("user"))));
        router.Put("/api/admin/users/{user}/roles/{role}", ApiAccess.Administrator, call => DoAsync(call, new GrantRole(RegistryWrites.NewCommandId(), call.User, registry.Now, call.Route("user"), call.Route("role"))));
        router.Delete("/api/admin/users/{user}/roles/{role}", ApiAccess.Administrator, call => DoAsync(call, new RevokeRole(RegistryWrites.NewCommandId(), call.User, registry.Now, call.Route("user"), call.Route("role"))));
        router.Post("/api/admin/users/{user}/password", ApiAccess.Administrator, SetPasswordAsync);
        router.Post("/api/admin/invitations", ApiAccess.Administrator, InviteAsync);
    }

    private IResult List(ApiCall call)
    {
        var query = call.Context.Request.Query["query"].ToString();
        var (after, limit) = Pages.Read(call, "after");
        var found = registry.State.AllAccounts((int)Math.Min(after ?? -1, int.MaxValue - 1))
            .Where(account => !account.Closed && (query.Length == 0 || account.Name.Contains(query, StringComparison.OrdinalIgnoreCase) || account.DisplayName.Contains(query, StringComparison.OrdinalIgnoreCase)))
            .Take(limit + 1)
            .ToList();
        var more = found.Count > limit;
        var users = found.Take(limit).Select(account => new AdminUser(account.Name, account.DisplayName, account.IsAdmin ? [AdminRole] : [], account.Disabled, account.RoomCount, account.CreatedAt));
        return ApiCall.Json(new AdminUsers([.. users], Pages.Next(more, more ? found[limit - 1].Handle : 0)), ProtocolJson.Wire.AdminUsers);
    }

    private async Task<IResult> MakeAccountAsync(ApiCall call)
    {
        var request = await call.ReadAsync(ProtocolJson.Wire.RegisterRequest);
        if (UserName.Check(request.User, out var user) is { } badName)
        {
            throw new ApiException(badName, "A user name has 2 to 32 of a-z 0-9 _ . -");
        }

        var hash = await HashAsync(call, request.Password, user);
        await registry.CommitAsync(new CreateAccount(RegistryWrites.NewCommandId(), call.User, registry.Now, user, request.DisplayName, hash), call.Aborted);
        var made = registry.State.FindAccount(user)!;
        return ApiCall.Json(new Me(made.Name, made.DisplayName, made.IsAdmin ? [AdminRole] : []), ProtocolJson.Wire.Me, StatusCodes.Status201Created);
    }

    private async Task<IResult> DisableAsync(ApiCall call)
    {
        var request = await call.ReadAsync(ProtocolJson.Wire.DisableAccountRequest);
        return await DoAsync(call, new DisableAccount(RegistryWrites.NewCommandId(), call.User, registry.Now, call.Route("user"), request.Reason));
    }

    private async Task<IResult> SetPasswordAsync(ApiCall call)
    {
        var request = await call.ReadAsync(ProtocolJson.Wire.PasswordRequest);
        var hash = await HashAsync(call, request.New, call.Route("user"));
        return await DoAsync(call, new ChangePassword(RegistryWrites.NewCommandId(), call.User, registry.Now, call.Route("user"), hash, ExemptSession: null));
    }

    private async Task<IResult> InviteAsync(ApiCall call)
    {
        var request = await call.ReadAsync(ProtocolJson.Wire.NewInvitationRequest);
        var days = request.Days ?? InvitationDays;
        if (days is < 1 or > InvitationDaysMax)
        {
            throw new ApiException(ErrorCodes.InvalidArgument, string.Create(CultureInfo.InvariantCulture, $"An invitation is valid for 1 to {InvitationDaysMax} days."));
        }

        var uses = request.Uses ?? 1;
        if (uses is < 1 or > RegistryBounds.InvitationUses)
        {
            throw new ApiException(ErrorCodes.InvalidArgument, string.Create(CultureInfo.InvariantCulture, $"An invitation makes 1 to {RegistryBounds.InvitationUses:#,0} accounts, not {uses}."));
        }

        var code = RandomText.Hex(InvitationBytes);
        var expiresAt = registry.Now + (long)TimeSpan.FromDays(days).TotalMilliseconds;
        await registry.CommitAsync(new CreateInvitation(RegistryWrites.NewCommandId(), call.User, registry.Now, SecretHash.Of(code), uses, expiresAt), call.Aborted);
        return ApiCall.Json(new InvitationAnswer(code, uses, expiresAt), ProtocolJson.Wire.InvitationAnswer, StatusCodes.Status201Created);
    }

    private async Task<byte[]> HashAsync(ApiCall call, string? password, string user) => PasswordStrength.Check(password, user) is { } weak
        ? throw new ApiException(weak, "A password has 8 characters or more and is not one of the commonest.")
        : await passwords.HashAsync(password!, call.Aborted);

    private async Task<IResult> DoAsync(ApiCall call, Command command)
    {
        await registry.CommitAsync(command, call.Aborted);
        return Results.NoContent();
    }
}
