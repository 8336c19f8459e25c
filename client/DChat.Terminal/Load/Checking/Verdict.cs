namespace DChat.Terminal.Load.Checking;

/// <summary>What the checker found, over every client's view of every room. A clean run has only zeros.</summary>
/// <param name="Missing">Acknowledged messages that the room does not hold, and messages that a client should have been shown by the end and was not.</param>
/// <param name="Doubled">Messages that a client was shown twice, or that stand in a room twice.</param>
/// <param name="OutOfOrder">Messages shown after one that follows them, or committed against the order of their sender's calls.</param>
/// <param name="Holes">Numbers left out: revisions skipped in a client's view, revisions or sequence numbers skipped in a room.</param>
/// <param name="Differing">Places in a room where two clients, the acknowledgement or the history do not agree on the message.</param>
/// <param name="Phantom">Messages that nobody sent, that are not as they were sent, or that were shown though refused or never stored.</param>
/// <param name="Examples">The first findings, in words.</param>
internal sealed record Verdict(
    long Missing,
    long Doubled,
    long OutOfOrder,
    long Holes,
    long Differing,
    long Phantom,
    IReadOnlyList<string> Examples)
{
    public long Total => Missing + Doubled + OutOfOrder + Holes + Differing + Phantom;

    public bool IsClean => Total == 0;
}
