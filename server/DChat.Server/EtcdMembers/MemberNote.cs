using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using DChat.Server.Coordinator;
using DChat.Storage.Files;

namespace DChat.Server.EtcdMembers;

/// <summary>What a member knows of itself before etcd does: it lies beside etcd's data, and is lost with it.</summary>
/// <param name="Name">Whose data it is.</param>
/// <param name="Address">Where the others reach it, as the cluster has it.</param>
/// <param name="Nonce">Random, of this folder: another folder at the same address is another member.</param>
/// <param name="Founding">The cluster that it has promised to begin with the others, see <see cref="MemberBeginning"/>; null: none yet.</param>
/// <param name="HasRun">etcd had a majority here once, so its data must be there.</param>
internal sealed record MemberNote(string Name, string Address, string Nonce, string? Founding = null, bool HasRun = false)
{
    private const int NonceBytes = 16;
    private const int FileBytesMax = 4 * 1024;

    public static MemberNote New(Peer self) => new(self.Name, self.Address, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(NonceBytes)));

    /// <summary>Null: there is none.</summary>
    /// <exception cref="StartRefusedException">It cannot be read.</exception>
    public static MemberNote? Read(string path)
    {
        try
        {
            return !File.Exists(path) ? null
                : new FileInfo(path).Length > FileBytesMax ? throw new JsonException("it is too long")
                : JsonSerializer.Deserialize(File.ReadAllBytes(path), MemberJson.Default.MemberNote) ?? throw new JsonException("it is null");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new StartRefusedException($"'{path}', which says whose etcd data lies beside it, cannot be read: {failure.Message}", failure);
        }
    }

    /// <exception cref="StartRefusedException">It cannot be written.</exception>
    public void Write(string path)
    {
        try
        {
            PrivateFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(this, MemberJson.Default.MemberNote));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new StartRefusedException($"'{path}' cannot be written: {failure.Message}", failure);
        }
    }

    /// <summary>The name of the cluster that these coordinators begin together: another one for another list, and for other folders.</summary>
    /// <param name="nonces">By name, of all of them.</param>
    public static string FoundingOf(PeerList peers, IReadOnlyDictionary<string, string> nonces) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
            peers + "\n" + string.Join('\n', nonces.OrderBy(nonce => nonce.Key, StringComparer.Ordinal).Select(nonce => $"{nonce.Key}={nonce.Value}")))));
}

/// <summary>What a coordinator whose etcd does not run yet tells the others.</summary>
/// <param name="Peers">Its <c>--peers</c>, in the order of their names.</param>
internal sealed record FoundingOffer(string Name, string Peers, string Nonce, string? Founding);

/// <summary>A member as etcd tells its peers (<c>GET /members</c> on the peer port).</summary>
internal sealed record ListedMember(
    [property: JsonPropertyName("id")] ulong Id,
    [property: JsonPropertyName("name")] string? Name = null,
    [property: JsonPropertyName("peerURLs")] IReadOnlyList<string>? PeerUrls = null,
    [property: JsonPropertyName("clientURLs")] IReadOnlyList<string>? ClientUrls = null)
{
    /// <summary>It has run as this member: it told where its clients go.</summary>
    public bool HasRun => ClientUrls is { Count: > 0 };

    public bool IsAt(Peer peer) => PeerUrls is { } urls && urls.Contains(peer.Url, StringComparer.OrdinalIgnoreCase);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true, NumberHandling = JsonNumberHandling.AllowReadingFromString)]
[JsonSerializable(typeof(MemberNote))]
[JsonSerializable(typeof(FoundingOffer))]
[JsonSerializable(typeof(EtcdMemberRequest))]
[JsonSerializable(typeof(EtcdMemberAnswer))]
[JsonSerializable(typeof(IReadOnlyList<ListedMember>))]
internal sealed partial class MemberJson : JsonSerializerContext;
