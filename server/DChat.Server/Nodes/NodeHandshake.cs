using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using DChat.Server.Coordinator;

namespace DChat.Server.Nodes;

/// <summary>
/// How two nodes prove to each other that they hold the cluster secret, without sending it: each signs both sides' greetings and fresh
/// random numbers (HMAC-SHA256, RFC 2104; mutual challenge and response with the roles in the signature, so that nothing can be reflected).
/// </summary>
internal sealed class NodeHandshake
{
    private const int NonceSize = 32;
    private const int ProofSize = 32;
    private const int HelloMax = 4 * 1024;
    private const byte Accepted = 1;
    private const byte Refused = 0;
    private const string WrongSecret = "the cluster secrets differ: give every node the same --cluster-secret-file";

    private static readonly byte[] ServerRole = "dchat server"u8.ToArray();
    private static readonly byte[] ClientRole = "dchat client"u8.ToArray();

    private readonly byte[] _key;

    public NodeHandshake(ClusterSecret secret) => _key = secret.DeriveKey("node links", ProofSize);

    /// <summary>The side that connects.</summary>
    /// <param name="expected">Null, or the id of the node that must be there.</param>
    /// <returns>Who is at the other end.</returns>
    /// <exception cref="NodeRefusedException">One refuses the other; the message says which and why.</exception>
    public async Task<NodeHello> ConnectAsync(Stream stream, NodeHello own, string? expected, CancellationToken cancellation)
    {
        var hello = own.Encode();
        var nonce = RandomNumberGenerator.GetBytes(NonceSize);
        await WriteAsync(stream, hello, nonce, cancellation);
        var theirHello = await ReadAsync(stream, cancellation);
        var theirNonce = await ReadExactAsync(stream, NonceSize, cancellation);
        var theirProof = await ReadExactAsync(stream, ProofSize, cancellation);
        var why = CryptographicOperations.FixedTimeEquals(Prove(ServerRole, hello, nonce, theirHello, theirNonce), theirProof) ? null : WrongSecret;
        var peer = why is null ? NodeHello.Decode(theirHello) : null;
        why ??= own.WhyNot(peer!);
        var isLasting = why is not null;
        why ??= expected is null || expected == peer!.Node ? null : $"{peer!.Node} answers where {expected} was expected";
        if (why is not null)
        {
            await RefuseAsync(stream, why, cancellation);
            throw new NodeRefusedException(why, isLasting);
        }

        await WriteAsync(stream, [Accepted], Prove(ClientRole, hello, nonce, theirHello, theirNonce), cancellation);
        await ThrowIfRefusedAsync(stream, cancellation);
        return peer!;
    }

    /// <summary>The side that is connected to.</summary>
    /// <param name="admit">Why the peer is not wanted, for people; null: it is.</param>
    /// <returns>Who is at the other end.</returns>
    /// <exception cref="NodeRefusedException">One refuses the other; the message says why.</exception>
    public async Task<NodeHello> AcceptAsync(Stream stream, NodeHello own, Func<NodeHello, string?> admit, CancellationToken cancellation)
    {
        var theirHello = await ReadAsync(stream, cancellation);
        var theirNonce = await ReadExactAsync(stream, NonceSize, cancellation);
        var hello = own.Encode();
        var nonce = RandomNumberGenerator.GetBytes(NonceSize);
        await WriteAsync(stream, hello, [.. nonce, .. Prove(ServerRole, theirHello, theirNonce, hello, nonce)], cancellation);
        await ThrowIfRefusedAsync(stream, cancellation, theirHello);
        var theirProof = await ReadExactAsync(stream, ProofSize, cancellation);
        var why = CryptographicOperations.FixedTimeEquals(Prove(ClientRole, theirHello, theirNonce, hello, nonce), theirProof) ? null : WrongSecret;
        var peer = why is null ? NodeHello.Decode(theirHello) : null;
        why ??= own.WhyNot(peer!) ?? admit(peer!);
        if (why is not null)
        {
            await RefuseAsync(stream, why, cancellation);
            throw new NodeRefusedException(why, claimed: AddressIn(theirHello));
        }

        await WriteAsync(stream, [Accepted], [], cancellation);
        return peer!;
    }

    private byte[] Prove(byte[] role, byte[] clientHello, byte[] clientNonce, byte[] serverHello, byte[] serverNonce)
    {
        using var mac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _key);
        Span<byte> length = stackalloc byte[sizeof(int)];
        ReadOnlySpan<byte[]> parts = [role, clientHello, clientNonce, serverHello, serverNonce];
        foreach (var part in parts)
        {
            BinaryPrimitives.WriteInt32LittleEndian(length, part.Length);
            mac.AppendData(length);
            mac.AppendData(part);
        }

        return mac.GetHashAndReset();
    }

    private static Task RefuseAsync(Stream stream, string why, CancellationToken cancellation) =>
        WriteAsync(stream, [Refused, .. Encoding.UTF8.GetBytes(why)], [], cancellation);

    /// <summary>The other side's verdict: accepted, or a refusal with its reason.</summary>
    private static async Task ThrowIfRefusedAsync(Stream stream, CancellationToken cancellation, byte[]? theirHello = null)
    {
        var verdict = await ReadAsync(stream, cancellation);
        if (verdict is not [Accepted])
        {
            throw new NodeRefusedException(verdict.Length > 1 ? Encoding.UTF8.GetString(verdict.AsSpan(1)) : "refused", claimed: AddressIn(theirHello));
        }
    }

    /// <summary>For operators, who look for the machine that has the wrong secret: unproven.</summary>
    private static string? AddressIn(byte[]? hello)
    {
        try
        {
            return hello is null ? null : NodeHello.Decode(hello).Address;
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    /// <summary>A part with its length before it, then one whose length is known.</summary>
    private static async Task WriteAsync(Stream stream, byte[] part, byte[] rest, CancellationToken cancellation)
    {
        var all = new byte[sizeof(int) + part.Length + rest.Length];
        BinaryPrimitives.WriteInt32LittleEndian(all, part.Length);
        part.CopyTo(all, sizeof(int));
        rest.CopyTo(all, sizeof(int) + part.Length);
        await stream.WriteAsync(all, cancellation);
        await stream.FlushAsync(cancellation);
    }

    private static async Task<byte[]> ReadAsync(Stream stream, CancellationToken cancellation)
    {
        var length = BinaryPrimitives.ReadInt32LittleEndian(await ReadExactAsync(stream, sizeof(int), cancellation));
        return length is > 0 and <= HelloMax
            ? await ReadExactAsync(stream, length, cancellation)
            : throw new NodeLinkException("what answers is no node of D-Chat");
    }

    private static async Task<byte[]> ReadExactAsync(Stream stream, int length, CancellationToken cancellation)
    {
        var bytes = new byte[length];
        await stream.ReadExactlyAsync(bytes, cancellation);
        return bytes;
    }
}
