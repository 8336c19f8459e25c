using System.Text;
using DChat.Server.Nodes;
using DChat.TestKit;
using Xunit.Abstractions;

namespace DChat.Server.Tests.Nodes;

public sealed class NodeHandshakeTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Two_nodes_of_one_cluster_learn_who_the_other_is()
    {
        var (left, right) = await ShakeAsync(new NodeHandshake(LinkPair.Secret(1)), LinkPair.Hello("l"), new NodeHandshake(LinkPair.Secret(1)), LinkPair.Hello("r"));
        Assert.Equal(LinkPair.Hello("r"), await left);
        Assert.Equal(LinkPair.Hello("l"), await right);
    }

    [Fact]
    public async Task Another_secret_is_refused_and_both_sides_are_told()
    {
        var (left, right) = await ShakeAsync(new NodeHandshake(LinkPair.Secret(1)), LinkPair.Hello("l"), new NodeHandshake(LinkPair.Secret(2)), LinkPair.Hello("r"));
        Assert.Contains("--cluster-secret-file", (await Assert.ThrowsAsync<NodeRefusedException>(() => left)).Message, StringComparison.Ordinal);
        Assert.Contains("--cluster-secret-file", (await Assert.ThrowsAsync<NodeRefusedException>(() => right)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(NodeHello.LinkVersion + 2, NodeHello.LinkVersion + 1)]
    [InlineData(NodeHello.OldestLinkVersion - 1, NodeHello.OldestLinkVersion - 1)]
    public async Task Versions_that_do_not_fit_are_refused_and_both_sides_are_told(int newest, int oldest)
    {
        var secret = LinkPair.Secret(1);
        var (left, right) = await ShakeAsync(new NodeHandshake(secret), LinkPair.Hello("l"), new NodeHandshake(secret), LinkPair.Hello("r", newest, oldest));
        foreach (var side in new[] { left, right })
        {
            var why = (await Assert.ThrowsAsync<NodeRefusedException>(() => side)).Message;
            Assert.Contains("upgrade the older one", why, StringComparison.Ordinal);
            Assert.Contains("1.2.3", why, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Who_is_not_wanted_is_told_why()
    {
        var (left, right) = await ShakeAsync(
            new NodeHandshake(LinkPair.Secret(1)), LinkPair.Hello("l"), new NodeHandshake(LinkPair.Secret(1)), LinkPair.Hello("r"), admit: _ => "the house is full");
        Assert.Equal("the house is full", (await Assert.ThrowsAsync<NodeRefusedException>(() => left)).Message);
        await Assert.ThrowsAsync<NodeRefusedException>(() => right);
    }

    [Fact]
    public async Task Another_node_than_expected_is_refused()
    {
        var (left, right) = await ShakeAsync(
            new NodeHandshake(LinkPair.Secret(1)), LinkPair.Hello("l"), new NodeHandshake(LinkPair.Secret(1)), LinkPair.Hello("r"), expected: "somebody");
        Assert.Contains("r answers where somebody was expected", (await Assert.ThrowsAsync<NodeRefusedException>(() => left)).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<NodeRefusedException>(() => right);
    }

    [Fact]
    public async Task A_nodes_own_words_sent_back_to_it_prove_nothing()
    {
        // Whoever does not know the secret may only send back what it heard: the roles in the proofs make that worthless.
        await using var pair = await LinkPair.ConnectAsync();
        var connecting = new NodeHandshake(LinkPair.Secret(1)).ConnectAsync(pair.LeftStream, LinkPair.Hello("l"), null, CancellationToken.None);
        var heard = new byte[1024];
        var length = await pair.RightStream.ReadAsync(heard).AsTask().Within();
        await pair.RightStream.WriteAsync(heard.AsMemory(0, length));
        await pair.RightStream.WriteAsync(heard.AsMemory(length - 32, 32));
        await Assert.ThrowsAsync<NodeRefusedException>(() => connecting).Within();
    }

    [Fact]
    public async Task Nonsense_is_no_node_and_no_secret_is_ever_sent()
    {
        var random = new Random(Seed.Print(output));
        var secret = LinkPair.Secret(0x5a);
        for (var round = 0; round < 200; round++)
        {
            await using var pair = await LinkPair.ConnectAsync();
            var accepting = new NodeHandshake(secret).AcceptAsync(pair.LeftStream, LinkPair.Hello("l"), _ => null, CancellationToken.None);
            var nonsense = new byte[random.Next(1, 300)];
            random.NextBytes(nonsense);
            await pair.RightStream.WriteAsync(nonsense);
            pair.RightStream.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            await Assert.ThrowsAnyAsync<Exception>(() => accepting).Within();
            pair.LeftStream.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            var told = new MemoryStream();
            await pair.RightStream.CopyToAsync(told).Within();
            Assert.DoesNotContain(Encoding.Latin1.GetString(Enumerable.Repeat((byte)0x5a, 8).ToArray()), Encoding.Latin1.GetString(told.ToArray()), StringComparison.Ordinal);
        }
    }

    private static async Task<(Task<NodeHello> Left, Task<NodeHello> Right)> ShakeAsync(
        NodeHandshake left, NodeHello leftHello, NodeHandshake right, NodeHello rightHello, Func<NodeHello, string?>? admit = null, string? expected = null)
    {
        await using var pair = await LinkPair.ConnectAsync();
        var connecting = left.ConnectAsync(pair.LeftStream, leftHello, expected, CancellationToken.None);
        var accepting = right.AcceptAsync(pair.RightStream, rightHello, admit ?? (_ => null), CancellationToken.None);
        await Task.WhenAll(connecting, accepting).Within().ContinueWith(_ => { }, TaskScheduler.Default);
        return (connecting, accepting);
    }
}
