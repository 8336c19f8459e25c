using DChat.Protocol;

namespace DChat.Client;

/// <summary>A call that the server refused, or that could not reach it.</summary>
public sealed class ChatException : Exception
{
    /// <param name="code">One of <see cref="ErrorCodes"/> or <see cref="ClientErrorCodes"/>.</param>
    /// <param name="message">A text for people.</param>
    /// <param name="retryAfter">When a repeat may succeed, where the server said so.</param>
    public ChatException(string code, string message, TimeSpan? retryAfter = null, Exception? inner = null)
        : base(message, inner)
    {
        Code = code;
        RetryAfter = retryAfter;
    }

    /// <summary>What went wrong: one of <see cref="ErrorCodes"/> or <see cref="ClientErrorCodes"/>. Never changes between versions.</summary>
    public string Code { get; }

    /// <summary>When a repeat may succeed; with <c>rate_limited</c> and <c>slow_mode</c>.</summary>
    public TimeSpan? RetryAfter { get; }

    internal static ChatException From(HubError error, Exception inner) =>
        new(error.Code, error.Message, error.RetryAfterMs is { } ms ? TimeSpan.FromMilliseconds(ms) : null, inner);
}

/// <summary>Codes of failures that no server reported.</summary>
public static class ClientErrorCodes
{
    /// <summary>No server address answered.</summary>
    public const string Unreachable = "unreachable";

    /// <summary>The connection was lost before the answer came: the call may have happened or not.</summary>
    public const string Uncertain = "uncertain";

    /// <summary>The outbox holds as many messages as it may; wait until some are sent.</summary>
    public const string OutboxFull = "outbox_full";

    /// <summary>The server answered something that this client does not understand.</summary>
    public const string ProtocolError = "protocol_error";
}
