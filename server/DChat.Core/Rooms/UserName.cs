using System.Text;

namespace DChat.Core.Rooms;

/// <summary>Names of users: 2 to 32 of <c>a-z 0-9 _ . -</c>, compared without case and kept in lower case.</summary>
public static class UserName
{
    public const int MinLength = 2;
    public const int MaxLength = 32;

    /// <summary>
    /// The form in which a name is kept and compared. Only ASCII has case here:
    /// Unicode would make a "k" of the Kelvin sign, and one user of two names.
    /// </summary>
    public static string Fold(string name) => Ascii.IsValid(name) ? name.ToLowerInvariant() : name;

    /// <summary>Null, or the refusal's code.</summary>
    /// <param name="folded">The name in lower case, where it is valid.</param>
    public static string? Check(string? name, out string folded)
    {
        folded = "";
        if (name is null || name.Length is < MinLength or > MaxLength)
        {
            return RefusalCodes.InvalidUser;
        }

        foreach (var c in name)
        {
            if (!IsNameCharacter(c))
            {
                return RefusalCodes.InvalidUser;
            }
        }

        folded = Fold(name);
        return null;
    }

    internal static bool IsNameCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-';
}
