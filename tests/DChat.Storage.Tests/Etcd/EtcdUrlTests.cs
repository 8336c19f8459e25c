using DChat.Storage.Etcd;

namespace DChat.Storage.Tests.Etcd;

public sealed class EtcdUrlTests
{
    [Fact]
    public void Hosts_ports_prefix_and_lease_are_read()
    {
        var url = EtcdUrl.Parse("etcd://h1,h2:2380,[::1]:2381/team/chat?lease=5");
        Assert.Equal(["http://h1:2379/", "http://h2:2380/", "http://[::1]:2381/"], url.Endpoints.Select(endpoint => endpoint.ToString()));
        Assert.Equal(("team/chat", 5, null), (url.Prefix, url.LeaseSeconds, url.User));
        Assert.Equal("dchat", EtcdUrl.Parse("etcd://h1").Prefix);
    }

    [Theory]
    [InlineData("etcd://h1?ca=ca.pem", "https")]
    [InlineData("etcd://h1?tls=on", "https")]
    [InlineData("etcd://h1?tls=off", "http")]
    public void Tls_is_spoken_where_it_is_asked_for(string text, string scheme) => Assert.Equal(scheme, EtcdUrl.Parse(text).Endpoints[0].Scheme);

    [Theory]
    [InlineData("http://h1", "does not begin")]
    [InlineData("etcd://", "no host")]
    [InlineData("etcd://h1:0", "port")]
    [InlineData("etcd://h1:99999", "port")]
    [InlineData("etcd://u:secret@h1", "file that passfile names")]
    [InlineData("etcd://h1?passfile=f", "no user")]
    [InlineData("etcd://h1?cert=c.pem", "belong together")]
    [InlineData("etcd://h1?lease=0", "1 to 60")]
    [InlineData("etcd://h1?tls=maybe", "on or off")]
    [InlineData("etcd://h1?colour=red", "unknown parameter")]
    public void What_is_wrong_is_said_and_no_password_with_it(string text, string says)
    {
        var wrong = Assert.Throws<FormatException>(() => EtcdUrl.Parse(text));
        Assert.Contains(says, wrong.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", wrong.Message, StringComparison.Ordinal);
    }
}
