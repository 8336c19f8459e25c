using System.Net.Sockets;
using System.Security.Authentication;
using DChat.Client;
using DChat.Protocol;
using DChat.Terminal.Screen;

namespace DChat.Terminal.Ui;

/// <summary>What went wrong, and what to try, in plain words.</summary>
internal static class Problems
{
    public static string Of(Exception e) => e switch
    {
        ChatException { Code: ErrorCodes.RateLimited or ErrorCodes.SlowMode, RetryAfter: { } wait } limited => $"{SafeText.Clean(limited.Message)} Try again in {Math.Ceiling(wait.TotalSeconds):0} s.",
        ChatException refused => SafeText.Clean(refused.Message),
        _ => SafeText.Clean(e.Message),
    };

    /// <summary>Of a server that is not to be reached, or is none.</summary>
    public static string Of(Exception e, string server)
    {
        var shown = server.TrimEnd('/');
        return Find<AuthenticationException>(e) is { } plain && plain.Message.Contains("frame", StringComparison.OrdinalIgnoreCase) ? $"What answers at {shown} does not speak https. Try http:// instead."
            : Find<AuthenticationException>(e) is { } tls ? $"The certificate of {shown} is refused: {SafeText.Clean(tls.Message)} Is this the right name of the server? A certificate of your own must be trusted by this machine first."
            : Find<SocketException>(e) is { } socket ? socket.SocketErrorCode switch
            {
                SocketError.ConnectionRefused => $"Nothing answers at {shown}. Is the server running, and is the port right?",
                SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain => $"There is no host of the name in {shown}. Is the address right, and is this machine online?",
                SocketError.NetworkUnreachable or SocketError.HostUnreachable => $"There is no way to {shown} from here. Is this machine online?",
                SocketError.TimedOut => $"{shown} does not answer. Is the address right? A firewall may be in between.",
                _ => $"{shown} cannot be reached: {SafeText.Clean(socket.Message)}",
            }
            : e is ChatException { Code: ClientErrorCodes.ProtocolError or ErrorCodes.NotFound } ? $"{shown} answers, but it is not a D-Chat server. Is the address right?"
            : e is ChatException { Code: ClientErrorCodes.Uncertain or ClientErrorCodes.Unreachable } ? $"{shown} cannot be reached. {SafeText.Clean(Innermost(e).Message)}{(server.StartsWith("http:", StringComparison.Ordinal) ? " Perhaps it wants https://." : "")}"
            : Of(e);
    }

    /// <summary>Null where this program and the server understand each other.</summary>
    public static string? OfVersion(InfoAnswer info, string server) => info.Protocol == ProtocolVersion.Current ? null
        : info.Protocol < ProtocolVersion.Current
            ? $"The server at {server.TrimEnd('/')} is too old (version {SafeText.Clean(info.Version)}, protocol {info.Protocol}); this dchat speaks protocol {ProtocolVersion.Current}. Ask for the server to be updated, or use an older dchat."
            : $"This dchat is too old for the server at {server.TrimEnd('/')} (version {SafeText.Clean(info.Version)}, protocol {info.Protocol}). Update dchat.";

    private static T? Find<T>(Exception? e)
        where T : Exception
    {
        for (; e is not null; e = e.InnerException)
        {
            if (e is T found)
            {
                return found;
            }
        }

        return null;
    }

    private static Exception Innermost(Exception e) => e.InnerException is { } inner ? Innermost(inner) : e;
}
