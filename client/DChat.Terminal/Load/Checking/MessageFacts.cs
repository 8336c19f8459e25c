namespace DChat.Terminal.Load.Checking;

/// <summary>What the checker needs to know of a message that a client was shown.</summary>
/// <param name="Rev">The revision at which it was shown.</param>
/// <param name="Seq">Its number in the room.</param>
/// <param name="Sender">Which of the run's senders sent it, or <see cref="System"/> or <see cref="Stranger"/>.</param>
/// <param name="Number">Which of that sender's sends it is.</param>
/// <param name="Digest">Of everything that every client must see alike.</param>
internal readonly record struct MessageFacts(long Rev, long Seq, int Sender, int Number, ulong Digest)
{
    /// <summary>Written by the server itself; the run did not send it and does not miss it.</summary>
    public const int System = -2;

    /// <summary>By nobody of this run, or not as it was sent.</summary>
    public const int Stranger = -1;
}
