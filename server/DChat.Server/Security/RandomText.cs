using System.Security.Cryptography;

namespace DChat.Server.Security;

/// <summary>Text that nobody can guess.</summary>
internal static class RandomText
{
    /// <summary>Two characters of <c>0-9 a-f</c> a byte.</summary>
    public static string Hex(int bytes) => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(bytes));
}
