using System.Security.Cryptography;
using System.Text;

namespace DChat.Core.Rooms;

/// <summary>The hash under which the registry keeps secrets that are random already (registration codes, API tokens): SHA-256, hexadecimal.</summary>
public static class SecretHash
{
    public const int Length = 64;

    public static string Of(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));
}
