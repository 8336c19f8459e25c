using System.Globalization;

namespace DChat.Server.EtcdMembers;

/// <summary>With what etcd is started.</summary>
internal static class MemberCommand
{
    /// <summary>What the child may see of this process's environment: nothing secret, and no setting of etcd that would say something else.</summary>
    private static readonly string[] Variables =
        ["PATH", "HOME", "TMPDIR", "TZ", "LANG", "LD_LIBRARY_PATH", "DOTNET_ROOT", "DOTNET_ROOT_X64", "DOTNET_ROOT_ARM64", "GOMAXPROCS", "GOGC", "GOMEMLIMIT", "GODEBUG", "ETCD_UNSUPPORTED_ARCH"];

    /// <param name="begin">How it begins; only looked at where there is no data.</param>
    public static IReadOnlyList<string> Arguments(MemberOptions options, BeginStep begin)
    {
        var listen = $"https://{new System.Net.IPEndPoint(options.Listen, options.Self.Port)}";
        return
        [
            "--name", options.Self.Name,
            "--data-dir", options.Data,
            "--listen-client-urls", options.ClientUrl,
            "--advertise-client-urls", options.ClientUrl,
            "--client-cert-auth", "--trusted-ca-file", options.AuthorityPath, "--cert-file", options.CertificatePath, "--key-file", options.KeyPath,
            "--listen-peer-urls", listen,
            "--initial-advertise-peer-urls", options.Self.Url,
            "--peer-client-cert-auth", "--peer-trusted-ca-file", options.AuthorityPath, "--peer-cert-file", options.CertificatePath, "--peer-key-file", options.KeyPath,
            "--initial-cluster", begin.Initial,
            "--initial-cluster-state", begin.IsNew ? "new" : "existing",
            "--initial-cluster-token", begin.Token,
            "--heartbeat-interval", options.HeartbeatMs.ToString(CultureInfo.InvariantCulture),
            "--election-timeout", options.ElectionMs.ToString(CultureInfo.InvariantCulture),
            "--quota-backend-bytes", (options.QuotaMb * 1024L * 1024).ToString(CultureInfo.InvariantCulture),
            "--pre-vote", // One that was cut off and comes back does not make the others elect anew.
            "--logger", "zap", "--log-outputs", "stderr",
        ];
    }

    public static IReadOnlyDictionary<string, string> Environment(System.Collections.IDictionary all) =>
        Variables.Where(name => all[name] is string).ToDictionary(name => name, name => (string)all[name]!, StringComparer.Ordinal);
}
