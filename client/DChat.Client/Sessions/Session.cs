using System.Text.Json.Serialization;

namespace DChat.Client.Sessions;

/// <summary>A signed-in session's tokens. A secret: never log it.</summary>
/// <param name="User">The account's name.</param>
/// <param name="AccessToken">Short-lived, or an API token that lasts.</param>
/// <param name="RefreshToken">Null with an API token.</param>
/// <param name="ExpiresAt">When the access token expires, Unix milliseconds UTC; null: not by itself.</param>
public sealed record Session(string User, string AccessToken, string? RefreshToken, long? ExpiresAt)
{
    /// <summary>Without the tokens, so that a log of it gives nothing away.</summary>
    public override string ToString() => $"Session of {User}";
}

[JsonSerializable(typeof(Session))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
internal sealed partial class SessionJson : JsonSerializerContext;
