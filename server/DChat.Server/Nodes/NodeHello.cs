using System.Text.Json;
using System.Text.Json.Serialization;

namespace DChat.Server.Nodes;

/// <summary>What a node says of itself when a link begins.</summary>
/// <param name="Service">What the link is for: one of <see cref="NodeServices"/>.</param>
/// <param name="Node">The node's id; the same across restarts.</param>
/// <param name="Incarnation">Random, of its process.</param>
/// <param name="Address">Where other nodes reach it, <c>host:port</c>.</param>
/// <param name="Product">The version of its program, for people.</param>
/// <param name="Newest">The newest version of the link that it speaks.</param>
/// <param name="Oldest">The oldest version of the link that it speaks.</param>
internal sealed record NodeHello(string Service, string Node, string Incarnation, string Address, string Product, int Newest, int Oldest)
{
    /// <summary>
    /// The version of the link in this program: raised with everything that a node of before does not know. It is not sent to a node that does not know it
    /// (<see cref="Knows"/>). 2: <see cref="Worker.Peers.PeerMethods.HearsCoordinator"/>, <see cref="Coordinator.Workers.RegistryMethods.Members"/>.
    /// 3: <see cref="Worker.Peers.PeerMethods.Barrier"/>. 4: <see cref="Coordinator.ReplicaDoor.Entries"/>.
    /// 5: <see cref="Coordinator.Standby.StandbyMethods.Members"/>.
    /// </summary>
    public const int LinkVersion = 5;

    /// <summary>The oldest version that this program still speaks.</summary>
    public const int OldestLinkVersion = 1;

    private const int TextMax = 256;

    /// <summary>Whether the node knows what a version of the link brought.</summary>
    public bool Knows(int linkVersion) => Newest >= linkVersion;

    public byte[] Encode() => JsonSerializer.SerializeToUtf8Bytes(this, NodeJson.Default.NodeHello);

    /// <exception cref="InvalidDataException">It is none.</exception>
    public static NodeHello Decode(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, NodeJson.Default.NodeHello) is { } hello && hello.IsSane()
                ? hello
                : throw new InvalidDataException("a node said something strange of itself");
        }
        catch (JsonException failure)
        {
            throw new InvalidDataException("what came is not a node's greeting", failure);
        }
    }

    /// <summary>Why two nodes cannot talk, for people; null where they can.</summary>
    public string? WhyNot(NodeHello other) =>
        Newest < other.Oldest || other.Newest < Oldest
            ? $"the versions do not fit: {Node} at {Address} runs {Product} (link {Oldest} to {Newest}), {other.Node} at {other.Address} runs {other.Product} (link {other.Oldest} to {other.Newest}); upgrade the older one"
            : null;

    private bool IsSane() =>
        Service.Length <= TextMax && Node.Length <= TextMax && Incarnation.Length <= TextMax && Address.Length <= TextMax && Product.Length <= TextMax;
}

/// <summary>What a link between two nodes may be for.</summary>
internal static class NodeServices
{
    /// <summary>A worker at a coordinator: registers, follows the registry, sends commands and reports.</summary>
    public const string Registry = "registry";

    /// <summary>A standby at the leader: reports how far it is, and passes commands on.</summary>
    public const string Standby = "standby";

    /// <summary>A gateway at the host of its rooms.</summary>
    public const string Peer = "peer";

    /// <summary>Any node at any other: asks which registry it holds.</summary>
    public const string Replica = "replica";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(NodeHello))]
internal sealed partial class NodeJson : JsonSerializerContext;
