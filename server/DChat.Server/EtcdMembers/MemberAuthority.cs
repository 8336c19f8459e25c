using System.Net;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using DChat.Server.Coordinator;

namespace DChat.Server.EtcdMembers;

/// <summary>
/// Signs the certificates of the cluster's etcd members. Its key is derived from the cluster secret, so that each node signs its own and no
/// file is carried around; the key is never written down.
/// </summary>
internal sealed class MemberAuthority : IDisposable
{
    /// <summary>Of the key; another one would be another authority.</summary>
    private const string Purpose = "etcd authority";

    /// <summary>More than the curve's order has, so that the remainder favours no number (FIPS 186-5, A.2.1).</summary>
    private const int SeedBytes = 48;

    private const int SerialBytes = 16;

    /// <summary>The order of the group of P-256 (FIPS 186-4, D.1.2.3).</summary>
    private static readonly BigInteger Order = BigInteger.Parse("0FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551", System.Globalization.NumberStyles.HexNumber);

    // Fixed, and wide: whoever holds the secret can sign at any time, so an end would protect nobody, and clocks differ.
    private static readonly DateTimeOffset From = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset To = new(2120, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly X509Certificate2 _certificate;

    public MemberAuthority(ClusterSecret secret)
    {
        using var key = Key(secret);
        var request = new CertificateRequest("CN=D-Chat etcd members", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        _certificate = request.CreateSelfSigned(From, To);
    }

    /// <summary>The certificate, without the key.</summary>
    public string Pem => _certificate.ExportCertificatePem();

    /// <summary>A certificate for both sides of a connection: etcd's JSON gateway calls its own server with the server's.</summary>
    /// <param name="addresses">At which others reach the member, and from which it reaches them: etcd compares both.</param>
    /// <returns>The certificate and its private key, as PEM.</returns>
    public (string Certificate, string Key) Issue(string name, IEnumerable<IPAddress> addresses, IEnumerable<string> hosts)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1", "serverAuth"), new Oid("1.3.6.1.5.5.7.3.2", "clientAuth")], critical: false));
        var names = new SubjectAlternativeNameBuilder();
        foreach (var address in addresses)
        {
            names.AddIpAddress(address);
        }

        foreach (var host in hosts)
        {
            names.AddDnsName(host);
        }

        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(_certificate.Extensions.OfType<X509SubjectKeyIdentifierExtension>().Single()));
        using var certificate = request.Create(_certificate, From, To, RandomNumberGenerator.GetBytes(SerialBytes));
        return (certificate.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    public void Dispose() => _certificate.Dispose();

    private static ECDsa Key(ClusterSecret secret)
    {
        var seed = new BigInteger(secret.DeriveKey(Purpose, SeedBytes), isUnsigned: true, isBigEndian: true);
        var number = (seed % (Order - 1)) + 1;
        var d = new byte[32];
        var bytes = number.ToByteArray(isUnsigned: true, isBigEndian: true);
        bytes.CopyTo(d, d.Length - bytes.Length);
        return ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = d });
    }
}
