namespace DChat.Protocol;

/// <summary><c>POST /api/register</c>.</summary>
/// <param name="User">2 to 32 of <c>a-z 0-9 _ . -</c>, compared case-insensitively.</param>
/// <param name="Password">8 characters or more.</param>
/// <param name="Invitation">A registration code, where the server asks for one.</param>
public sealed record RegisterRequest(string? User, string? Password, string? DisplayName = null, string? Invitation = null);

/// <summary><c>POST /api/login</c>.</summary>
public sealed record LoginRequest(string? User, string? Password);

/// <summary><c>POST /api/refresh</c>.</summary>
public sealed record RefreshRequest(string? RefreshToken);

/// <summary>The answer of register, login and refresh.</summary>
/// <param name="ExpiresIn">Seconds until the access token expires.</param>
public sealed record TokenAnswer(string User, string AccessToken, string RefreshToken, int ExpiresIn);

/// <summary><c>POST /api/password</c>.</summary>
public sealed record PasswordRequest(string? Current, string? New);

/// <summary><c>PATCH /api/me</c>.</summary>
public sealed record ProfileRequest(string? DisplayName);

/// <summary><c>DELETE /api/me</c>.</summary>
public sealed record CloseAccountRequest(string? Password);

/// <summary><c>POST /api/tokens</c>.</summary>
/// <param name="Name">1 to 64 characters.</param>
public sealed record NewTokenRequest(string? Name);

/// <summary>A long-lived token for a bot.</summary>
/// <param name="Token">Only in the answer that made it.</param>
public sealed record ApiToken(string Id, string Name, long CreatedAt, string? Token = null);

/// <summary><c>GET /api/tokens</c>.</summary>
public sealed record ApiTokens(IReadOnlyList<ApiToken> Tokens);

/// <summary><c>GET /api/info</c>.</summary>
/// <param name="Registration"><c>open</c>, <c>invite</c> or <c>closed</c>.</param>
public sealed record InfoAnswer(string Version, int Protocol, string Worker, ServerLimits Limits, string Registration);

/// <summary><c>POST /api/rooms/{room}/messages</c>.</summary>
/// <param name="ClientId">Made by the server when absent; then a repeat is a second message.</param>
public sealed record PostMessageRequest(string? Body, string? ClientId = null, string? Kind = null, long? ReplyTo = null, IReadOnlyList<string>? Files = null);

/// <summary><c>POST /api/admin/users/bulk</c>: accounts and tokens for a load test or an import; for administrators.</summary>
/// <param name="Prefix">The accounts are named prefix0, prefix1, …; those that exist are taken as they are if this call made them.</param>
/// <param name="Count">1 to 20,000.</param>
/// <param name="Rooms">How many rooms to make (named <c>prefix-room-0</c>, …); 0: none.</param>
/// <param name="MembersPerRoom">How many of the accounts are members of each room, dealt out in turn.</param>
public sealed record BulkUsersRequest(string? Prefix, int Count, int Rooms = 0, int MembersPerRoom = 0);

/// <param name="Users">With an access token each; they sign in by token only (their password is unusable).</param>
/// <param name="Rooms">The rooms' ids and members, as indexes into <paramref name="Users"/>.</param>
public sealed record BulkUsersAnswer(IReadOnlyList<BulkUser> Users, IReadOnlyList<BulkRoom> Rooms);

public sealed record BulkUser(string User, string AccessToken);

public sealed record BulkRoom(string Room, IReadOnlyList<int> Members);

/// <summary><c>POST /api/admin/users/{user}/disable</c>.</summary>
public sealed record DisableAccountRequest(string? Reason = null);

/// <summary><c>POST /api/admin/invitations</c>: a code with which others may register.</summary>
/// <param name="Uses">How many accounts it makes; 1 when absent.</param>
/// <param name="Days">How long it is valid, 1 to 365; 7 when absent.</param>
public sealed record NewInvitationRequest(int? Uses = null, int? Days = null);

/// <param name="Code">Only in the answer that made it.</param>
/// <param name="ExpiresAt">Unix milliseconds UTC.</param>
public sealed record InvitationAnswer(string Code, int Uses, long ExpiresAt);

/// <summary>An <c>application/problem+json</c> document (RFC 9457) with a stable <paramref name="Code"/>.</summary>
public sealed record Problem(string? Type, string? Title, int Status, string Code, string? Detail = null, long? RetryAfterMs = null);
