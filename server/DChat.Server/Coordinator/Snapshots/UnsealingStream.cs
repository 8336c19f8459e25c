using System.Buffers.Binary;
using System.Security.Cryptography;
using DChat.Storage;

namespace DChat.Server.Coordinator.Snapshots;

/// <summary>
/// Opens what <see cref="SealingStream"/> sealed. Its end is reached only when the last chunk was there and nothing follows it;
/// everything else throws <see cref="InvalidDataException"/>. Leaves the inner stream open.
/// </summary>
internal sealed class UnsealingStream : ForwardStream
{
    private readonly Stream _inner;
    private readonly SealKind _kind;
    private readonly byte[] _header;
    private readonly AesGcm _cipher;
    private readonly byte[] _plain = new byte[SnapshotSeal.ChunkBytes];
    private readonly byte[] _sealed = new byte[SnapshotSeal.ChunkBytes + SnapshotSeal.TagBytes];
    private int _at;
    private int _filled;
    private long _chunk;
    private bool _ended;

    public UnsealingStream(Stream inner, SealKind kind, ClusterSecret secret)
    {
        _inner = inner;
        _kind = kind;
        Span<byte> head = stackalloc byte[SnapshotSeal.HeadBytes];
        Fill(head);
        _header = new byte[SnapshotSeal.HeaderBytes(SnapshotSeal.ReadVersion(kind, head))];
        head.CopyTo(_header);
        Fill(_header.AsSpan(SnapshotSeal.HeadBytes));
        (Index, Term, SealedAt) = SnapshotSeal.ReadHeader(_header);
        _cipher = SnapshotSeal.Cipher(kind, secret, _header);
    }

    public long Index { get; }

    public long Term { get; }

    /// <inheritdoc cref="SealHeader"/>
    public DateTimeOffset? SealedAt { get; }

    public override bool CanRead => true;

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty)
        {
            return 0;
        }

        while (_at == _filled)
        {
            if (_ended)
            {
                return 0;
            }

            ReadChunk();
        }

        var count = Math.Min(buffer.Length, _filled - _at);
        _plain.AsSpan(_at, count).CopyTo(buffer);
        _at += count;
        return count;
    }

    /// <summary>Reads what is left, so that the whole was checked.</summary>
    public void ReadToEnd()
    {
        Span<byte> rest = stackalloc byte[1];
        if (Read(rest) != 0)
        {
            throw new InvalidDataException($"there is more in it than {_kind.Name}");
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _cipher.Dispose();
        }

        base.Dispose(disposing);
    }

    private void ReadChunk()
    {
        Span<byte> head = stackalloc byte[4];
        Fill(head);
        var field = BinaryPrimitives.ReadUInt32LittleEndian(head);
        var last = (field & SnapshotSeal.LastChunk) != 0;
        var length = (int)(field & ~SnapshotSeal.LastChunk);
        if (length > SnapshotSeal.ChunkBytes || (length == 0 && !last))
        {
            throw new InvalidDataException($"chunk {_chunk} has an impossible length");
        }

        Fill(_sealed.AsSpan(0, length + SnapshotSeal.TagBytes));
        try
        {
            _cipher.Decrypt(SnapshotSeal.Nonce(_chunk, last), _sealed.AsSpan(0, length), _sealed.AsSpan(length, SnapshotSeal.TagBytes), _plain.AsSpan(0, length), _header);
        }
        catch (CryptographicException error)
        {
            throw new InvalidDataException($"chunk {_chunk} does not open: it was changed, or sealed by another cluster secret", error);
        }

        (_at, _filled, _ended) = (0, length, last);
        _chunk++;
        if (last && _inner.ReadByte() >= 0)
        {
            throw new InvalidDataException("something follows its last chunk");
        }
    }

    private void Fill(Span<byte> buffer)
    {
        if (_inner.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false) < buffer.Length)
        {
            throw new InvalidDataException("it is cut off");
        }
    }
}
