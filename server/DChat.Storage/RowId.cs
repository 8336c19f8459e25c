namespace DChat.Storage;

/// <summary>
/// The row id of a message: the room's key in the upper 27 bits, the seq in the lower 36.
/// So a store holds at most 134,217,727 rooms, tombstones included, of 68,719,476,735 messages each.
/// </summary>
internal static class RowId
{
    public const long RoomKeyMax = (1L << 27) - 1;
    public const long SeqMax = (1L << SeqBits) - 1;
    private const int SeqBits = 36;

    public static long Of(long roomKey, long seq)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((ulong)roomKey, (ulong)RoomKeyMax, nameof(roomKey));
        ArgumentOutOfRangeException.ThrowIfGreaterThan((ulong)seq, (ulong)SeqMax, nameof(seq));
        return (roomKey << SeqBits) | seq;
    }

    public static long RoomKey(long id) => id >> SeqBits;

    public static long Seq(long id) => id & SeqMax;
}
