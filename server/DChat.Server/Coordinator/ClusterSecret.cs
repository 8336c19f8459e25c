using System.Security.Cryptography;
using System.Text;
using DChat.Storage.Files;

namespace DChat.Server.Coordinator;

/// <summary>
/// What the nodes of a cluster share and nobody else knows: it wraps the keys in the log, seals snapshots and proves a node to another.
/// Every purpose has a key of its own.
/// </summary>
public sealed class ClusterSecret
{
    /// <summary>Bytes.</summary>
    public const int Size = 32;

    private const int FileBytesMax = 1_024;
    private const int NonceSize = 12;
    private const int TagSize = 16;

    private readonly byte[] _secret;

    private ClusterSecret(byte[] secret) => _secret = secret;

    /// <summary>Reads the secret, or makes a random one, readable for the owner only.</summary>
    /// <param name="mayCreate">False where a cluster's data is there already: then a missing secret is an error, not a first start.</param>
    /// <exception cref="StartRefusedException">It is missing, is no secret, or others may read it.</exception>
    public static ClusterSecret LoadOrCreate(string path, bool mayCreate)
    {
        try
        {
            if (!File.Exists(path))
            {
                if (!mayCreate)
                {
                    throw new StartRefusedException(
                        $"'{path}' is missing, but its cluster's data is there. Without the secret the keys in the log and the snapshots cannot be opened. Remedy: put the file back from where it is kept (what `dchat-server backup` makes does not hold it), or give its place with --cluster-secret-file.");
                }

                var made = RandomNumberGenerator.GetBytes(Size);
                PrivateFile.Create(path, Encoding.ASCII.GetBytes(Convert.ToBase64String(made) + "\n"));
                return new ClusterSecret(made);
            }

            if (PrivateFile.IsOpenToOthers(path))
            {
                throw new StartRefusedException($"'{path}' can be read by others than its owner. Remedy: chmod 600 '{path}'; if others could read it for long, make a new cluster secret.");
            }

            return new FileInfo(path).Length <= FileBytesMax
                ? Parse(File.ReadAllText(path), $"'{path}'")
                : throw NotASecret($"'{path}'");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StartRefusedException($"'{path}' cannot be used: {error.Message}", error);
        }
    }

    /// <summary>A secret as text: 32 bytes in base64.</summary>
    /// <param name="source">Where it comes from, for the error.</param>
    /// <exception cref="StartRefusedException">It is none.</exception>
    public static ClusterSecret Parse(string text, string source)
    {
        var secret = new byte[Size];
        return Convert.TryFromBase64String(text.Trim(), secret, out var length) && length == Size
            ? new ClusterSecret(secret)
            : throw NotASecret(source);
    }

    /// <summary>A key for one purpose; from it neither the secret nor another purpose's key can be found.</summary>
    /// <param name="salt">Makes a key of its own for each of many uses; may be empty.</param>
    public byte[] DeriveKey(string purpose, int length, ReadOnlySpan<byte> salt = default)
    {
        var key = new byte[length];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _secret, key, salt, Encoding.UTF8.GetBytes("dchat " + purpose));
        return key;
    }

    /// <summary>Encrypts and authenticates a few bytes, such as a key.</summary>
    public byte[] Seal(string purpose, ReadOnlySpan<byte> content)
    {
        var result = new byte[NonceSize + content.Length + TagSize];
        RandomNumberGenerator.Fill(result.AsSpan(0, NonceSize));
        using var aes = new AesGcm(DeriveKey("seal " + purpose, Size), TagSize);
        aes.Encrypt(result.AsSpan(0, NonceSize), content, result.AsSpan(NonceSize, content.Length), result.AsSpan(NonceSize + content.Length));
        return result;
    }

    /// <summary>What was sealed for the same purpose by the same secret.</summary>
    /// <exception cref="CryptographicException">It was changed, or sealed by another secret or for another purpose.</exception>
    public byte[] Open(string purpose, ReadOnlySpan<byte> content)
    {
        if (content.Length < NonceSize + TagSize)
        {
            throw new CryptographicException("the sealed content is too short");
        }

        var opened = new byte[content.Length - NonceSize - TagSize];
        using var aes = new AesGcm(DeriveKey("seal " + purpose, Size), TagSize);
        aes.Decrypt(content[..NonceSize], content[NonceSize..^TagSize], content[^TagSize..], opened);
        return opened;
    }

    private static StartRefusedException NotASecret(string source) =>
        new($"{source} is no cluster secret ({Size} bytes in base64 are expected). Remedy: put the secret of this cluster there.");
}
