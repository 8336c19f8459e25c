using System.Security.Cryptography;
using System.Text;
using DChat.Core.Registry;
using DChat.Core.Rooms;

namespace DChat.Server.Security;

/// <summary>
/// Long-lived tokens, <c>id.secret</c>. The registry keeps only the SHA-256 of the whole, which is enough: the secret is random,
/// so it can not be guessed from its hash.
/// </summary>
internal static class BotTokens
{
    private const char Separator = '.';
    private const int IdBytes = 8;
    private const int SecretBytes = 32;

    /// <summary>Longer text is no token of ours, in characters.</summary>
    private const int LengthMax = 256;

    public static (string Id, string Token, string Hash) New()
    {
        var id = RandomText.Hex(IdBytes);
        var token = id + Separator + RandomText.Hex(SecretBytes);
        return (id, token, SecretHash.Of(token));
    }

    /// <summary>Whether it is meant as one; the tokens of sessions hold no dot.</summary>
    public static bool IsOne(string token) => token.Contains(Separator);

    public static Session? Read(RegistryState state, string token)
    {
        if (token.Length > LengthMax || state.FindApiToken(token[..token.IndexOf(Separator)]) is not { } known)
        {
            return null;
        }

        var genuine = CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(SecretHash.Of(token)), Encoding.ASCII.GetBytes(known.SecretHash));
        return genuine ? new Session(known.User, known.Id, IsBot: true, IssuedIndex: 0, DateTimeOffset.MaxValue) : null;
    }
}
