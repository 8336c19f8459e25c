using System.Buffers.Binary;
using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using DChat.Core.Messages;
using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Snapshots;
using DChat.Storage;

namespace DChat.Server.Recovery.Backups;

/// <summary>
/// Writes a backup: frames (kind, length, bytes), compressed, sealed. Messages first, then the registry, then files: so there is no message whose
/// room or author the registry does not know, but those that were deleted meanwhile, and no file is missing that a message names.
/// </summary>
internal sealed class BackupWriter : IDisposable
{
    /// <summary>Kind and length.</summary>
    public const int HeadBytes = 5;

    private const int ContentBytes = 64 * 1024;

    private readonly SealingStream _sealing;
    private readonly BrotliStream _plain;
    private readonly byte[] _head = new byte[HeadBytes];
    private long _rooms;
    private long _messages;
    private long _blobs;
    private long _blobBytes;
    private long _index;

    public BackupWriter(Stream output, ClusterSecret secret, DateTimeOffset startedAt, string product)
    {
        _sealing = new SealingStream(output, SealKind.Backup, secret, startedAt.ToUnixTimeMilliseconds(), 0, startedAt);
        _plain = new BrotliStream(_sealing, CompressionLevel.Fastest, leaveOpen: true);
        Write(BackupFrame.Header, new BackupHeader(BackupHeader.Version, product), BackupJson.Strict.BackupHeader);
    }

    public void Write(RoomPiece piece)
    {
        Write(BackupFrame.Piece, piece, BackupJson.Strict.RoomPiece);
        _rooms += piece is RoomHead ? 1 : 0;
        _messages += piece is RoomMessages messages ? messages.Messages.Count : 0;
    }

    public void Write(RegistryState registry)
    {
        Write(BackupFrame.Registry, []);
        using (var content = new ContentStream(this))
        {
            RegistrySnapshot.Write(registry, content);
        }

        Write(BackupFrame.ContentEnd, []);
        _index = registry.Index;
    }

    public async Task WriteAsync(string blob, Stream content, CancellationToken cancellation)
    {
        Write(BackupFrame.Blob, new BackupBlob(blob), BackupJson.Strict.BackupBlob);
        var buffer = new byte[ContentBytes];
        for (int count; (count = await content.ReadAsync(buffer, cancellation)) > 0;)
        {
            Write(BackupFrame.Content, buffer.AsSpan(0, count));
            _blobBytes += count;
        }

        Write(BackupFrame.ContentEnd, []);
        _blobs++;
    }

    /// <summary>Without it a backup is a part of one, and nobody takes it for more.</summary>
    public BackupEnd Finish()
    {
        var end = new BackupEnd(_rooms, _messages, _blobs, _blobBytes, _index);
        Write(BackupFrame.End, end, BackupJson.Strict.BackupEnd);
        _plain.Dispose();
        _sealing.Dispose();
        return end;
    }

    /// <summary>Before it is finished: what was written stays a part.</summary>
    public void Dispose()
    {
        _sealing.Abandon();
        _plain.Dispose();
        _sealing.Dispose();
    }

    private void Write<T>(BackupFrame kind, T record, JsonTypeInfo<T> type) => Write(kind, JsonSerializer.SerializeToUtf8Bytes(record, type));

    private void Write(BackupFrame kind, ReadOnlySpan<byte> bytes)
    {
        _head[0] = (byte)kind;
        BinaryPrimitives.WriteInt32LittleEndian(_head.AsSpan(1), bytes.Length);
        _plain.Write(_head);
        _plain.Write(bytes);
    }

    private sealed class ContentStream(BackupWriter writer) : ForwardStream
    {
        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            while (!buffer.IsEmpty)
            {
                var some = buffer[..Math.Min(buffer.Length, ContentBytes)];
                writer.Write(BackupFrame.Content, some);
                buffer = buffer[some.Length..];
            }
        }
    }
}
