namespace DChat.Server.Nodes;

/// <summary>How long to wait before a node is dialled again: soon while it may just be away, seldom where an operator has to change something first.</summary>
internal static class Redial
{
    private const int DoublingsMax = 16;

    public static readonly TimeSpan First = TimeSpan.FromMilliseconds(50);

    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(1);

    /// <summary>After a refusal that lasts until somebody changes something.</summary>
    public static readonly TimeSpan LongestRefused = TimeSpan.FromSeconds(30);

    /// <param name="attempt">How many failed before this one since the last link, 0 or more.</param>
    /// <param name="isRefused">The last one was refused for good: see <see cref="NodeRefusedException.IsLasting"/>.</param>
    public static TimeSpan After(int attempt, bool isRefused)
    {
        var wait = First * (1L << Math.Min(attempt, DoublingsMax));
        var longest = isRefused ? LongestRefused : Longest;
        return (wait < longest ? wait : longest) * (0.5 + Random.Shared.NextDouble());
    }
}
