namespace DChat.Core.Registry;

public sealed record AccountCreated(string User, string DisplayName, byte[]? PasswordHash, bool Admin) : RegistryEvent;

/// <summary>Many accounts without a password.</summary>
public sealed record AccountsCreated(IReadOnlyList<string> Users) : RegistryEvent;

public sealed record PasswordChanged(string User, byte[] PasswordHash) : RegistryEvent;

/// <summary>Every token issued before this entry is void, but those of <paramref name="ExemptSession"/>.</summary>
public sealed record TokensRevoked(string User, string? ExemptSession) : RegistryEvent;

public sealed record SessionEnded(string User, string SessionId, long Until) : RegistryEvent;

public sealed record DisplayNameChanged(string User, string DisplayName) : RegistryEvent;

public sealed record AdminChanged(string User, bool Admin) : RegistryEvent;

/// <summary>All tokens of the account are void from here on.</summary>
public sealed record AccountDisabled(string User) : RegistryEvent;

public sealed record AccountEnabled(string User) : RegistryEvent;

/// <summary>All tokens of the account are void; its leaving of rooms follows as <see cref="MemberLeft"/>.</summary>
public sealed record AccountClosed(string User) : RegistryEvent;

public sealed record InvitationCreated(string CodeHash, int Uses, long ExpiresAt) : RegistryEvent;

public sealed record InvitationUsed(string CodeHash) : RegistryEvent;

public sealed record InvitationRevoked(string CodeHash) : RegistryEvent;

public sealed record ApiTokenCreated(string User, string TokenId, string Name, string SecretHash) : RegistryEvent;

public sealed record ApiTokenEnded(string User, string TokenId) : RegistryEvent;
