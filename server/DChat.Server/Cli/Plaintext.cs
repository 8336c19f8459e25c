using DChat.Server.Nodes;

namespace DChat.Server.Cli;

/// <summary>
/// Says at the start what will leave this machine unencrypted. It is no error: there are networks of one's own, and tunnels.
/// </summary>
internal static partial class Plaintext
{
    public static void Warn(ILogger log, ServerOptions options)
    {
        if (NodesAt(options) is { } address)
        {
            Nodes(log, address);
        }

        if (options.IsCoordinator && options.Log?.Etcd is { User: { } user } etcd
            && etcd.Endpoints.FirstOrDefault(endpoint => endpoint.Scheme == Uri.UriSchemeHttp && !endpoint.IsLoopback) is { } member)
        {
            Password(log, user, member.Authority);
        }
    }

    /// <summary>Where other machines reach the node port, or are told to; null where TLS is spoken there, or nobody else can.</summary>
    private static string? NodesAt(ServerOptions options)
    {
        if (options.NodeTlsCertificate is not null)
        {
            return null;
        }

        var advertised = options.EffectiveAdvertise;
        return !LoopbackHost.Is(options.NodeHost) ? options.NodeHost
            : !LoopbackHost.Is(advertised[..advertised.LastIndexOf(':')].Trim('[', ']')) ? advertised
            : null;
    }

    [LoggerMessage(1010, LogLevel.Warning, "nodes speak with each other without TLS at {Address}: who can read that network reads messages, and the registry with password hashes. Remedy: --node-tls-certificate, --node-tls-key and --node-tls-ca on all nodes, or a network that nobody else reads")]
    private static partial void Nodes(ILogger log, string address);

    [LoggerMessage(1011, LogLevel.Warning, "the password of {User} is sent to etcd at {Member} without TLS, and so is the whole control log. Remedy: ca=FILE, or tls=on, in --log")]
    private static partial void Password(ILogger log, string user, string member);
}
