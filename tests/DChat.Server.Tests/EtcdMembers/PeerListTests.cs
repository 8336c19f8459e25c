using DChat.Server.EtcdMembers;

namespace DChat.Server.Tests.EtcdMembers;

public sealed class PeerListTests
{
    [Fact]
    public void Addresses_may_carry_ports_and_be_names_or_of_either_kind_of_ip()
    {
        var peers = PeerList.Parse("c2=10.0.0.2:2390, c1=10.0.0.1,c3=[fd00::3],c4=Log.Example:9,c5=[fd00:0::5]:7");
        Assert.Equal(["c2", "c1", "c3", "c4", "c5"], peers.All.Select(peer => peer.Name));
        Assert.Equal(["10.0.0.2:2390", "10.0.0.1:2380", "[fd00::3]:2380", "log.example:9", "[fd00::5]:7"], peers.All.Select(peer => peer.Address));
        Assert.Equal("https://[fd00::3]:2380", peers.Find("c3")!.Url);
        Assert.Null(peers.Find("c4")!.Ip);
        Assert.Null(peers.Find("C1"));
    }

    [Fact]
    public void The_order_does_not_matter()
    {
        Assert.Equal(PeerList.Parse("a=h1,b=h2").ToString(), PeerList.Parse("b=h2:2380,a=h1").ToString());
        Assert.Equal("c1=127.0.0.1:1", PeerList.Parse("c1=127.0.0.1:1").ToString());
    }

    [Theory]
    [InlineData("", "is not NAME=HOST")]
    [InlineData("10.0.0.1", "is not NAME=HOST")]
    [InlineData("c1=10.0.0.1,", "is not NAME=HOST")]
    [InlineData("=10.0.0.1", "is no name")]
    [InlineData("c 1=10.0.0.1", "is no name")]
    [InlineData("-c1=10.0.0.1", "is no name")]
    [InlineData("c1\n=10.0.0.1", "is no name")]
    [InlineData("c1=", "is no host")]
    [InlineData("c1=a b", "is no host")]
    [InlineData("c1=https://a", "a port is")]
    [InlineData("c1=fd00::1", "in brackets")]
    [InlineData("c1=h:0", "a port is")]
    [InlineData("c1=h:65536", "a port is")]
    [InlineData("c1=h:x", "a port is")]
    [InlineData("c1=0.0.0.0", "no address at which")]
    [InlineData("c1=[::]:1", "no address at which")]
    [InlineData("c1=h1,c1=h2", "is there twice")]
    [InlineData("c1=h,c2=h:2380", "the same address")]
    [InlineData("c1=[fd00::1],c2=[fd00:0:0::1]", "the same address")]
    [InlineData("c1=127.0.0.1,c2=10.0.0.2", "every machine's own")]
    [InlineData("a=h1,b=h2,c=h3,d=h4,e=h5,f=h6,g=h7,h=h8,i=h9,j=h10", "too many")]
    public void What_is_wrong_is_said(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<FormatException>(() => PeerList.Parse(text)).Message, StringComparison.Ordinal);
}
