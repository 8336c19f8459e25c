namespace DChat.Server.Nodes;

/// <summary>What this process says of itself to other nodes.</summary>
/// <param name="Node">Its id, the same across restarts.</param>
/// <param name="Incarnation">Random, of this process.</param>
/// <param name="Address">Where other nodes reach it, <c>host:port</c>.</param>
/// <param name="Product">The program's version.</param>
/// <param name="Newest">The newest version of the link that it speaks.</param>
internal sealed record NodeSelf(string Node, string Incarnation, string Address, string Product, int Newest = NodeHello.LinkVersion)
{
    public NodeHello Hello(string service) =>
        new(service, Node, Incarnation, Address, Product, Newest, NodeHello.OldestLinkVersion);
}
