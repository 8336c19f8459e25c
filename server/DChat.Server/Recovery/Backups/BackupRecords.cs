using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using DChat.Core.Messages;

namespace DChat.Server.Recovery.Backups;

/// <summary>What a frame of a backup holds; the first byte of it.</summary>
internal enum BackupFrame : byte
{
    /// <summary><see cref="BackupHeader"/>; the first frame.</summary>
    Header = (byte)'H',

    /// <summary>A <see cref="RoomPiece"/>.</summary>
    Piece = (byte)'P',

    /// <summary>A snapshot of the registry follows as content.</summary>
    Registry = (byte)'R',

    /// <summary><see cref="BackupBlob"/>; its content follows.</summary>
    Blob = (byte)'F',

    /// <summary>Bytes of a content.</summary>
    Content = (byte)'C',

    /// <summary>The content ends.</summary>
    ContentEnd = (byte)'E',

    /// <summary><see cref="BackupEnd"/>; the last frame.</summary>
    End = (byte)'Z',
}

/// <summary>The first record of a backup.</summary>
/// <param name="Format">Raised with every change that an older program would misread.</param>
/// <param name="Product">The version of the program that made it, for people.</param>
internal sealed record BackupHeader(int Format, string Product)
{
    public const int Version = 1;
}

internal sealed record BackupBlob(string Name);

/// <summary>The last record: what is in the backup.</summary>
internal sealed record BackupEnd(long Rooms, long Messages, long Blobs, long BlobBytes, long RegistryIndex);

[JsonSerializable(typeof(BackupHeader))]
[JsonSerializable(typeof(RoomPiece))]
[JsonSerializable(typeof(BackupBlob))]
[JsonSerializable(typeof(BackupEnd))]
internal sealed partial class BackupJson : JsonSerializerContext
{
    /// <summary>Strict; and what people write stays as short as it is.</summary>
    public static readonly BackupJson Strict = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
