using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using DChat.Server.Cli;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace DChat.Server.Nodes;

/// <summary>TLS between nodes: each shows a certificate that one authority signed, on both sides of a link. Names are not looked at: machines
/// come and go; who a node is, it proves by the cluster secret.</summary>
internal sealed class NodeTls
{
    private readonly X509Certificate2 _certificate;
    private readonly X509Certificate2Collection _chain;
    private readonly X509Certificate2Collection _authorities = [];

    private NodeTls(ServerOptions options)
    {
        // Through PKCS #12: a key that was read from PEM alone cannot be used for TLS on Windows.
        using var read = X509Certificate2.CreateFromPemFile(options.NodeTlsCertificate!, options.NodeTlsKey);
        _certificate = X509CertificateLoader.LoadPkcs12(read.Export(X509ContentType.Pkcs12), null);
        _chain = [];
        _chain.ImportFromPemFile(options.NodeTlsCertificate!);
        _authorities.ImportFromPemFile(options.NodeTlsCa!);
    }

    /// <summary>As the options say; null where nodes speak without TLS.</summary>
    /// <exception cref="ConfigurationException">A file cannot be used; names flag, value and remedy.</exception>
    public static NodeTls? Load(ServerOptions options)
    {
        if (options.NodeTlsCertificate is null)
        {
            return null;
        }

        try
        {
            return new NodeTls(options);
        }
        catch (Exception failure) when (failure is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new ConfigurationException(
                $"--node-tls-certificate {options.NodeTlsCertificate}, --node-tls-key {options.NodeTlsKey}, --node-tls-ca {options.NodeTlsCa}",
                $"they cannot be used: {failure.Message}",
                "give PEM files: a certificate with its chain, its private key, and the authority's certificate");
        }
    }

    /// <summary>Why no node that has the same authorities would take this one's certificate, for people; null: they would.</summary>
    public string? FindTrouble()
    {
        using var chain = ToAuthorities(_chain);
        return chain.Build(_certificate) ? null : string.Join(' ', chain.ChainStatus.Select(static status => status.StatusInformation.Trim()).Distinct());
    }

    public SslClientAuthenticationOptions ForClient() => new()
    {
        ClientCertificateContext = SslStreamCertificateContext.Create(_certificate, _chain, offline: true),
        RemoteCertificateValidationCallback = (_, certificate, sent, _) => IsOurs(certificate as X509Certificate2, sent),
    };

    public void ForServer(HttpsConnectionAdapterOptions https)
    {
        https.ServerCertificate = _certificate;
        https.ServerCertificateChain = _chain;
        https.ClientCertificateMode = ClientCertificateMode.AllowCertificate; // Whether one lives and is ready may be asked without; links and metrics need one.
        https.ClientCertificateValidation = (certificate, sent, _) => IsOurs(certificate, sent);
    }

    /// <param name="sent">With the certificates between it and the authority, as the peer sent them.</param>
    private bool IsOurs(X509Certificate2? certificate, X509Chain? sent)
    {
        if (certificate is null)
        {
            return false;
        }

        using var chain = ToAuthorities(sent?.ChainPolicy.ExtraStore ?? []);
        return chain.Build(certificate);
    }

    /// <param name="between">Certificates that may stand between one and the authorities.</param>
    private X509Chain ToAuthorities(X509Certificate2Collection between)
    {
        var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_authorities);
        chain.ChainPolicy.ExtraStore.AddRange(between);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain;
    }
}
