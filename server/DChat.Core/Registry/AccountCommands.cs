namespace DChat.Core.Registry;

/// <summary>Makes an account: a registration (the actor is the new name), or an administrator's or the system's doing. Result: the name.</summary>
/// <param name="DisplayName">Null: the name.</param>
/// <param name="PasswordHash">Null: no password will ever match; sign-in by token only.</param>
/// <param name="InvitationHash"><see cref="Rooms.SecretHash"/> of the registration code that is used up by it; null where none is needed.</param>
public sealed record CreateAccount(string CommandId, string Actor, long At, string User, string? DisplayName, byte[]? PasswordHash, bool Admin = false, string? InvitationHash = null)
    : Command(CommandId, Actor, At);

/// <summary>Makes many accounts without a password at once; those that were made so before are left as they are. For administrators.</summary>
/// <param name="Users">At most <see cref="RegistryBounds.BulkNames"/>.</param>
public sealed record CreateAccounts(string CommandId, string Actor, long At, IReadOnlyList<string> Users)
    : Command(CommandId, Actor, At);

/// <summary>Sets the password and ends every session of the account but one.</summary>
/// <param name="ExemptSession">The session that goes on; null: none does.</param>
public sealed record ChangePassword(string CommandId, string Actor, long At, string User, byte[] PasswordHash, string? ExemptSession)
    : Command(CommandId, Actor, At);

public sealed record SetDisplayName(string CommandId, string Actor, long At, string User, string DisplayName)
    : Command(CommandId, Actor, At);

/// <summary>
/// Closes an account for ever: its sessions end, it leaves its rooms, its name stays taken.
/// It leaves at most <see cref="RegistryBounds.LeavesPerCommand"/> rooms at once: while the result is <c>more</c>,
/// send another (with a new command id, by the system).
/// </summary>
public sealed record CloseAccount(string CommandId, string Actor, long At, string User)
    : Command(CommandId, Actor, At);

/// <summary>Ends one session.</summary>
/// <param name="Until">When the last token of the session expires; after it the registry forgets the session.</param>
public sealed record EndSession(string CommandId, string Actor, long At, string User, string SessionId, long Until)
    : Command(CommandId, Actor, At);

/// <summary>Gives a server role; the only one is <c>admin</c>.</summary>
public sealed record GrantRole(string CommandId, string Actor, long At, string User, string Role)
    : Command(CommandId, Actor, At);

/// <summary>Takes a server role; the last administrator keeps it.</summary>
public sealed record RevokeRole(string CommandId, string Actor, long At, string User, string Role)
    : Command(CommandId, Actor, At);

/// <summary>Ends all sessions of an account and lets nobody sign in to it.</summary>
public sealed record DisableAccount(string CommandId, string Actor, long At, string User, string? Reason = null)
    : Command(CommandId, Actor, At);

public sealed record EnableAccount(string CommandId, string Actor, long At, string User)
    : Command(CommandId, Actor, At);

/// <summary>Makes a registration code.</summary>
/// <param name="CodeHash"><see cref="Rooms.SecretHash"/> of the code: whoever reads the registry cannot use it.</param>
/// <param name="Uses">1 to <see cref="RegistryBounds.InvitationUses"/>.</param>
public sealed record CreateInvitation(string CommandId, string Actor, long At, string CodeHash, int Uses, long ExpiresAt)
    : Command(CommandId, Actor, At);

public sealed record RevokeInvitation(string CommandId, string Actor, long At, string CodeHash)
    : Command(CommandId, Actor, At);

/// <summary>Makes a named long-lived token. Result: its id.</summary>
/// <param name="SecretHash"><see cref="Rooms.SecretHash"/> of the token.</param>
public sealed record CreateApiToken(string CommandId, string Actor, long At, string User, string TokenId, string Name, string SecretHash)
    : Command(CommandId, Actor, At);

public sealed record EndApiToken(string CommandId, string Actor, long At, string User, string TokenId)
    : Command(CommandId, Actor, At);
