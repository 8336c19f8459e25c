using System.Net;
using System.Net.Sockets;
using DChat.Server.Worker.Joining;
using DChat.TestKit;

namespace DChat.Server.Tests.Worker.Joining;

public sealed class CoordinatorAddressesTests
{
    [Fact]
    public async Task A_name_stands_for_all_its_addresses_as_they_are_on_every_try()
    {
        IPAddress[] known = [IPAddress.Parse("10.0.0.1"), IPAddress.Parse("fd00::1")];
        var addresses = new CoordinatorAddresses("10.0.0.9:9000, dns:coordinators.example:9001", (_, _) => Task.FromResult(known));
        Assert.Equal(["10.0.0.9:9000", "10.0.0.1:9001", "[fd00::1]:9001"], await addresses.ResolveAsync(CancellationToken.None).Within());
        known = [IPAddress.Parse("10.0.0.2")];
        Assert.Equal(["10.0.0.9:9000", "10.0.0.2:9001"], await addresses.ResolveAsync(CancellationToken.None).Within());
    }

    [Fact]
    public async Task A_name_that_cannot_be_looked_up_hides_no_other_address()
    {
        var addresses = new CoordinatorAddresses("dns:nowhere.example:9000,[fd00::7]:9000", (_, _) => throw new SocketException((int)SocketError.HostNotFound));
        Assert.Equal(["[fd00::7]:9000"], await addresses.ResolveAsync(CancellationToken.None).Within());
        Assert.Equal("dns:nowhere.example:9000, [fd00::7]:9000", addresses.ToString());
    }

    [Fact]
    public async Task A_lookup_that_takes_long_holds_nobody_up_and_what_was_found_last_counts()
    {
        var lookUp = Task.FromResult<IPAddress[]>([IPAddress.Parse("10.0.0.1")]);
        var addresses = new CoordinatorAddresses("dns:coordinators.example:9001,10.0.0.9:9000", (_, _) => lookUp, TimeSpan.FromMilliseconds(10));
        Assert.Equal(["10.0.0.1:9001", "10.0.0.9:9000"], await addresses.ResolveAsync(CancellationToken.None).Within());

        var late = new TaskCompletionSource<IPAddress[]>();
        lookUp = late.Task;
        Assert.Equal(["10.0.0.1:9001", "10.0.0.9:9000"], await addresses.ResolveAsync(CancellationToken.None).Within());
        lookUp = Task.FromException<IPAddress[]>(new SocketException((int)SocketError.TryAgain));
        late.SetResult([IPAddress.Parse("10.0.0.3")]);
        await Eventually.Holds(async () => (await addresses.ResolveAsync(CancellationToken.None).Within())[0] == "10.0.0.3:9001");
        Assert.Equal(["10.0.0.3:9001", "10.0.0.9:9000"], await addresses.ResolveAsync(CancellationToken.None).Within());
        lookUp = Task.FromResult<IPAddress[]>([IPAddress.Parse("10.0.0.2")]);
        Assert.Equal(["10.0.0.2:9001", "10.0.0.9:9000"], await addresses.ResolveAsync(CancellationToken.None).Within());
    }

    [Theory]
    [InlineData("")]
    [InlineData("host")]
    [InlineData(":9000")]
    [InlineData("host:0")]
    [InlineData("host:65536")]
    [InlineData("ho st:9000")]
    [InlineData("dns:9000")]
    public void What_is_no_address_is_refused(string text) => Assert.Throws<FormatException>(() => new CoordinatorAddresses(text));
}
