using System.Buffers.Binary;
using System.Security.Cryptography;
using DChat.Storage;

namespace DChat.Server.Coordinator.Snapshots;

/// <summary>Seals what is written to it; disposing writes the last chunk. Leaves the inner stream open.</summary>
internal sealed class SealingStream : ForwardStream
{
    private readonly Stream _inner;
    private readonly byte[] _header;
    private readonly AesGcm _cipher;
    private readonly byte[] _plain = new byte[SnapshotSeal.ChunkBytes];
    private readonly byte[] _sealed = new byte[4 + SnapshotSeal.ChunkBytes + SnapshotSeal.TagBytes];
    private int _filled;
    private long _chunk;
    private bool _ended;

    /// <param name="sealedAt">Now; a backup says it by its index already.</param>
    public SealingStream(Stream inner, SealKind kind, ClusterSecret secret, long index, long term, DateTimeOffset sealedAt)
    {
        _inner = inner;
        _header = SnapshotSeal.MakeHeader(kind, index, term, sealedAt);
        _cipher = SnapshotSeal.Cipher(kind, secret, _header);
        inner.Write(_header);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty && !_ended)
        {
            if (_filled == _plain.Length)
            {
                WriteChunk(last: false);
            }

            var count = Math.Min(buffer.Length, _plain.Length - _filled);
            buffer[..count].CopyTo(_plain.AsSpan(_filled));
            _filled += count;
            buffer = buffer[count..];
        }
    }

    /// <summary>Nothing more is written, no last chunk either: what there is opens for nobody as a whole.</summary>
    public void Abandon()
    {
        if (!_ended)
        {
            _ended = true;
            _cipher.Dispose();
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_ended)
        {
            _ended = true;
            WriteChunk(last: true);
            _cipher.Dispose();
        }

        base.Dispose(disposing);
    }

    private void WriteChunk(bool last)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_sealed, (uint)_filled | (last ? SnapshotSeal.LastChunk : 0));
        _cipher.Encrypt(
            SnapshotSeal.Nonce(_chunk++, last),
            _plain.AsSpan(0, _filled),
            _sealed.AsSpan(4, _filled),
            _sealed.AsSpan(4 + _filled, SnapshotSeal.TagBytes),
            _header);
        _inner.Write(_sealed, 0, 4 + _filled + SnapshotSeal.TagBytes);
        _filled = 0;
    }
}
