using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace DChat.TestKit;

/// <summary>Signs certificates for a test's nodes, through an intermediate authority as companies do, and writes them as PEM files.</summary>
public sealed class CertificateAuthority : IDisposable
{
    private static readonly DateTimeOffset From = DateTimeOffset.UtcNow.AddHours(-1);
    private static readonly DateTimeOffset To = DateTimeOffset.UtcNow.AddDays(1);

    private readonly TemporaryFolder _folder = new();
    private readonly X509Certificate2 _root;
    private readonly X509Certificate2 _intermediate;
    private int _made;

    public CertificateAuthority(string name)
    {
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _root = Authority(name, rootKey).CreateSelfSigned(From, To);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var signed = Authority($"{name} intermediate", key).Create(_root, From, To, RandomNumberGenerator.GetBytes(8));
        _intermediate = signed.CopyWithPrivateKey(key);
        File.WriteAllText(RootFile, _root.ExportCertificatePem());
    }

    /// <summary>The root's certificate.</summary>
    public string RootFile => _folder["root.pem"];

    /// <summary>A certificate of this machine with its chain, and its key.</summary>
    /// <param name="isNameless">Without a common name.</param>
    public (string Certificate, string Key) Issue(bool isNameless = false)
    {
        var name = $"node{++_made}";
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(isNameless ? "" : $"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(_intermediate, From, To, RandomNumberGenerator.GetBytes(8));
        File.WriteAllText(_folder[$"{name}.pem"], certificate.ExportCertificatePem() + "\n" + _intermediate.ExportCertificatePem());
        File.WriteAllText(_folder[$"{name}.key"], key.ExportPkcs8PrivateKeyPem());
        return (_folder[$"{name}.pem"], _folder[$"{name}.key"]);
    }

    public void Dispose()
    {
        _root.Dispose();
        _intermediate.Dispose();
        _folder.Dispose();
    }

    private static CertificateRequest Authority(string name, ECDsa key)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return request;
    }
}
