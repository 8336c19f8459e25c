using System.Buffers.Binary;
using System.Buffers.Text;

namespace DChat.Storage;

/// <summary>A place in the order of hits: by time, then room, then seq. As text it is the cursor that clients hand back.</summary>
internal readonly record struct SearchPosition(long SentAt, long RoomKey, long Seq) : IComparable<SearchPosition>
{
    private const int Bytes = 3 * sizeof(long);

    /// <exception cref="FormatException">It is none that this program made.</exception>
    public static SearchPosition Parse(string cursor)
    {
        Span<byte> bytes = stackalloc byte[Bytes + 2];
        if (cursor.Length > 2 * Bytes || !Base64Url.TryDecodeFromChars(cursor, bytes, out var written) || written != Bytes)
        {
            throw new FormatException("not a search cursor");
        }

        var position = new SearchPosition(
            BinaryPrimitives.ReadInt64BigEndian(bytes),
            BinaryPrimitives.ReadInt64BigEndian(bytes[8..]),
            BinaryPrimitives.ReadInt64BigEndian(bytes[16..]));
        return position is { SentAt: >= 0, RoomKey: >= 0 and <= RowId.RoomKeyMax, Seq: >= 0 and <= RowId.SeqMax + 1 }
            ? position
            : throw new FormatException("not a search cursor");
    }

    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        BinaryPrimitives.WriteInt64BigEndian(bytes, SentAt);
        BinaryPrimitives.WriteInt64BigEndian(bytes[8..], RoomKey);
        BinaryPrimitives.WriteInt64BigEndian(bytes[16..], Seq);
        return Base64Url.EncodeToString(bytes);
    }

    public int CompareTo(SearchPosition other) =>
        SentAt != other.SentAt ? SentAt.CompareTo(other.SentAt)
        : RoomKey != other.RoomKey ? RoomKey.CompareTo(other.RoomKey)
        : Seq.CompareTo(other.Seq);
}
