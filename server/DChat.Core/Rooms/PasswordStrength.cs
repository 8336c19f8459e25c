namespace DChat.Core.Rooms;

/// <summary>Which passwords are refused: too short, too long for the hash, or among the commonest.</summary>
public static class PasswordStrength
{
    public const int MinLength = 8;

    /// <summary>Characters; a bound on the work of hashing.</summary>
    public const int MaxLength = 256;

    /// <summary>Null, or <see cref="RefusalCodes.WeakPassword"/>.</summary>
    /// <param name="user">A password that is the user's own name is weak too.</param>
    public static string? Check(string? password, string? user = null) =>
        password is null
        || password.Length is < MinLength or > MaxLength
        || !TextRules.IsWellFormed(password)
        || CommonPasswords.Contains(password)
        || (user is not null && string.Equals(password, user, StringComparison.OrdinalIgnoreCase))
            ? RefusalCodes.WeakPassword
            : null;
}
