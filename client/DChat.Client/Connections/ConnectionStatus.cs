namespace DChat.Client.Connections;

/// <summary>Where a client stands with its servers.</summary>
public enum ConnectionState
{
    /// <summary>Not connecting: <c>ConnectAsync</c> was not called, or gave up, or the client was disposed of.</summary>
    Offline,

    /// <summary>An address is being tried.</summary>
    Connecting,

    /// <summary>Connected and in sync.</summary>
    Online,

    /// <summary>The connection is lost; the next attempt follows at <see cref="ConnectionStatus.RetryAt"/>.</summary>
    Waiting,

    /// <summary>The session ended; only signing in again helps.</summary>
    SignedOut,
}

/// <summary>Where a client stands with its servers.</summary>
/// <param name="Server">The address in use, or being tried.</param>
/// <param name="Problem">Why it is not connected, for people.</param>
/// <param name="RetryAt">When the next attempt follows.</param>
public sealed record ConnectionStatus(ConnectionState State, Uri? Server = null, string? Problem = null, DateTimeOffset? RetryAt = null);
