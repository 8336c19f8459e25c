using DChat.Core.ControlLog;

namespace DChat.Storage;

/// <summary>What no caller may ask of a control log; every engine checks it.</summary>
internal static class ControlLogArguments
{
    public static void CheckAppend(long term, long index, ReadOnlyMemory<byte> payload)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(term);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(index);
        if (payload.Length is 0 or > ControlLogLimits.EntryBytesMax)
        {
            throw new ArgumentException($"an entry is 1 to {ControlLogLimits.EntryBytesMax} bytes, not {payload.Length}", nameof(payload));
        }
    }

    /// <param name="last">Where the log ends.</param>
    public static void CheckTruncation(long throughIndex, long last)
    {
        if (throughIndex > last)
        {
            throw new InvalidOperationException($"the control log ends at entry {last} and cannot be truncated through {throughIndex}: that is an entry of another log");
        }
    }
}
