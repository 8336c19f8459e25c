namespace DChat.Server.EtcdMembers;

/// <summary>How long to wait before a child that ended is started again: not at all long the first time, and never so short that it only burns the processor.</summary>
internal static class RestartDelay
{
    public static readonly TimeSpan First = TimeSpan.FromMilliseconds(100);
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    /// <summary>One that ran so long was well: the next end counts as the first.</summary>
    public static readonly TimeSpan WellAfter = TimeSpan.FromSeconds(10);

    private const int DoublingsMax = 16;

    /// <param name="ends">In a row, 1 or more.</param>
    public static TimeSpan After(int ends)
    {
        var wait = First * (1L << Math.Clamp(ends - 1, 0, DoublingsMax));
        return wait < Longest ? wait : Longest;
    }
}
