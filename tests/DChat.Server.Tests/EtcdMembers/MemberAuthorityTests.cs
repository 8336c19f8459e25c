using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using DChat.Server.Coordinator;
using DChat.Server.EtcdMembers;

namespace DChat.Server.Tests.EtcdMembers;

public sealed class MemberAuthorityTests
{
    private static readonly string Secret = Convert.ToBase64String(Enumerable.Range(0, ClusterSecret.Size).Select(i => (byte)i).ToArray());

    [Fact]
    public void Nodes_with_the_same_secret_trust_each_others_certificates_and_nobody_elses()
    {
        Assert.True(Trusts(Secret, IssuedBy(Secret)));
        var other = Convert.ToBase64String(RandomNumberGenerator.GetBytes(ClusterSecret.Size));
        Assert.False(Trusts(other, IssuedBy(Secret)));
        Assert.False(Trusts(Secret, IssuedBy(other)));
    }

    /// <summary>A release that derived another key could not talk with the one before it.</summary>
    [Fact]
    public void The_key_stays_the_same_for_ever()
    {
        using var authority = new MemberAuthority(ClusterSecret.Parse(Secret, "the test's"));
        using var certificate = X509Certificate2.CreateFromPem(authority.Pem);
        Assert.Equal("afb37718cbdf6c0285e13e27c96472bc4599d5efb0972d8a47cc1647062d4f00", Convert.ToHexStringLower(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo())));
    }

    [Fact]
    public void A_certificate_is_for_both_sides_and_for_the_members_addresses_and_can_sign_nothing()
    {
        using var certificate = IssuedBy(Secret);
        var usages = certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().Single().EnhancedKeyUsages.Cast<Oid>().Select(usage => usage.Value);
        Assert.Equal(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"], usages);
        Assert.False(certificate.Extensions.OfType<X509BasicConstraintsExtension>().Single().CertificateAuthority);
        Assert.True(certificate.MatchesHostname("10.0.0.1"));
        Assert.True(certificate.MatchesHostname("c1.example"));
        Assert.False(certificate.MatchesHostname("10.0.0.2"));
        Assert.True(certificate.NotBefore < TimeProvider.System.GetUtcNow().AddYears(-1), "a node whose clock is behind could not use it");
    }

    [Fact]
    public void The_authoritys_key_is_in_nothing_that_is_written()
    {
        using var authority = new MemberAuthority(ClusterSecret.Parse(Secret, "the test's"));
        var (certificate, _) = authority.Issue("c1", [], ["c1.example"]);
        Assert.DoesNotContain("PRIVATE", authority.Pem + certificate, StringComparison.Ordinal);
    }

    private static X509Certificate2 IssuedBy(string secret)
    {
        using var authority = new MemberAuthority(ClusterSecret.Parse(secret, "the test's"));
        var (certificate, key) = authority.Issue("c1", [IPAddress.Loopback, IPAddress.Parse("10.0.0.1")], ["c1.example"]);
        return X509Certificate2.CreateFromPem(certificate, key);
    }

    private static bool Trusts(string secret, X509Certificate2 certificate)
    {
        using var authority = new MemberAuthority(ClusterSecret.Parse(secret, "the test's"));
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.CustomTrustStore.ImportFromPem(authority.Pem);
        return chain.Build(certificate);
    }
}
