using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using DChat.Core.Blobs;
using DChat.Core.Messages;
using DChat.Core.Registry;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Snapshots;
using DChat.Storage;

namespace DChat.Server.Recovery.Backups;

/// <summary>Who takes what a backup holds, in its order.</summary>
internal interface IBackupVisitor : IRestoreSink
{
    void TakeRegistry(RegistryState registry);
}

/// <summary>Reads a backup once through. Whatever was changed, cut off, added, or is out of order throws <see cref="InvalidDataException"/>.</summary>
internal sealed class BackupReader : IDisposable
{
    /// <summary>Bytes of one record: far beyond what is ever written.</summary>
    private const int RecordBytesMax = 64 * 1024 * 1024;

    private readonly UnsealingStream _sealed;
    private readonly BrotliStream _plain;
    private readonly byte[] _head = new byte[BackupWriter.HeadBytes];
    private byte[] _buffer = new byte[64 * 1024];

    private BackupReader(Stream stored, ClusterSecret secret)
    {
        _sealed = new UnsealingStream(stored, SealKind.Backup, secret);
        _plain = new BrotliStream(_sealed, CompressionMode.Decompress, leaveOpen: true);
    }

    /// <param name="startedAt">When it was begun, by its name: an older one under another name is none.</param>
    /// <exception cref="InvalidDataException">It is damaged, not whole, or sealed by another secret.</exception>
    /// <exception cref="UnknownRegistryEventException">A newer program made it.</exception>
    public static async Task<BackupEnd> ReadAsync(Stream stored, ClusterSecret secret, DateTimeOffset startedAt, IBackupVisitor visitor, CancellationToken cancellation)
    {
        try
        {
            using var reader = new BackupReader(stored, secret);
            var end = await reader.ReadAllAsync(startedAt, visitor, cancellation);
            if (reader._plain.ReadByte() >= 0)
            {
                throw new InvalidDataException("there is more in it than a backup");
            }

            reader._sealed.ReadToEnd();
            return end;
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"a record of it cannot be read: {error.Message}", error);
        }
    }

    public void Dispose()
    {
        _plain.Dispose();
        _sealed.Dispose();
    }

    private async Task<BackupEnd> ReadAllAsync(DateTimeOffset startedAt, IBackupVisitor visitor, CancellationToken cancellation)
    {
        if (Next(out var first) != BackupFrame.Header || Parse(first, BackupJson.Strict.BackupHeader) is not { } header)
        {
            throw new InvalidDataException("it does not begin as a backup");
        }

        if (header.Format > BackupHeader.Version)
        {
            throw new InvalidDataException($"it has format {header.Format}, made by dchat-server {header.Product}, and this program knows formats up to {BackupHeader.Version}; use the release that made it");
        }

        if (_sealed.Index != startedAt.ToUnixTimeMilliseconds())
        {
            throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"it was begun at {DateTimeOffset.FromUnixTimeMilliseconds(_sealed.Index).UtcDateTime:yyyy-MM-dd HH:mm:ss}Z, not when its name says"));
        }

        var (rooms, messages, blobs, bytes) = (0L, 0L, 0L, 0L);
        RegistryState? registry = null;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            switch (Next(out var record))
            {
                case BackupFrame.Piece when registry is null:
                    var piece = Parse(record, BackupJson.Strict.RoomPiece);
                    rooms += piece is RoomHead ? 1 : 0;
                    messages += piece is RoomMessages some ? some.Messages.Count : 0;
                    await visitor.TakePieceAsync(piece, cancellation);
                    break;
                case BackupFrame.Registry when registry is null:
                    await using (var content = new ContentStream(this))
                    {
                        registry = RegistrySnapshot.Read(content);
                        content.ReadToEnd();
                    }

                    visitor.TakeRegistry(registry);
                    break;
                case BackupFrame.Blob when registry is not null:
                    var name = Parse(record, BackupJson.Strict.BackupBlob).Name;
                    if (!BlobName.IsName(name))
                    {
                        throw new InvalidDataException("a blob of it has a name that is none");
                    }

                    await using (var content = new ContentStream(this))
                    {
                        await visitor.TakeBlobAsync(name, content, cancellation);
                        content.ReadToEnd();
                        bytes += content.Bytes;
                    }

                    blobs++;
                    break;
                case BackupFrame.End when registry is not null:
                    var end = Parse(record, BackupJson.Strict.BackupEnd);
                    return end == new BackupEnd(rooms, messages, blobs, bytes, registry.Index)
                        ? end
                        : throw new InvalidDataException("what it holds is not what it says at its end");
                default:
                    throw new InvalidDataException("its parts are out of order");
            }
        }
    }

    /// <param name="record">Valid until the next call.</param>
    private BackupFrame Next(out ReadOnlySpan<byte> record)
    {
        Fill(_head);
        var length = BinaryPrimitives.ReadInt32LittleEndian(_head.AsSpan(1));
        if (length is < 0 or > RecordBytesMax)
        {
            throw new InvalidDataException("a record has an impossible length");
        }

        if (_buffer.Length < length)
        {
            _buffer = new byte[length];
        }

        Fill(_buffer.AsSpan(0, length));
        record = _buffer.AsSpan(0, length);
        return (BackupFrame)_head[0];
    }

    private void Fill(Span<byte> bytes)
    {
        if (_plain.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
        {
            throw new InvalidDataException("it is cut off");
        }
    }

    private static T Parse<T>(ReadOnlySpan<byte> record, JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(record, type) ?? throw new InvalidDataException("a record is empty");

    /// <summary>The content that follows a frame, up to its end.</summary>
    private sealed class ContentStream(BackupReader reader) : ForwardStream
    {
        private int _at;
        private int _left;
        private bool _ended;

        /// <summary>That were read.</summary>
        public long Bytes { get; private set; }

        public override bool CanRead => true;

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            while (_left == 0)
            {
                if (_ended || buffer.IsEmpty)
                {
                    return 0;
                }

                var kind = reader.Next(out var some);
                (_at, _left, _ended) = (0, some.Length, kind == BackupFrame.ContentEnd);
                if (kind is not (BackupFrame.Content or BackupFrame.ContentEnd) || (_ended && _left > 0))
                {
                    throw new InvalidDataException("a content of it does not end");
                }
            }

            var count = Math.Min(buffer.Length, _left);
            reader._buffer.AsSpan(_at, count).CopyTo(buffer);
            (_at, _left, Bytes) = (_at + count, _left - count, Bytes + count);
            return count;
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return new(Read(buffer.Span));
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public void ReadToEnd()
        {
            Span<byte> rest = stackalloc byte[4_096];
            while (Read(rest) > 0)
            {
            }
        }
    }
}
