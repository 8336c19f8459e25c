using DChat.Core.Messages;

namespace DChat.Storage.Postgres.Messages;

/// <summary>
/// What changes of a room are decided on: read before the write, and still true in it where rev and removed seq are the same then,
/// because whatever else changes a room moves one of the two.
/// </summary>
internal sealed class RoomSnapshot
{
    public bool IsKnown { get; set; }

    public long Epoch { get; set; }

    public long Seq { get; set; }

    public long Rev { get; set; }

    public long LastSentAt { get; set; }

    public long RemovedSeq { get; set; }

    /// <summary>The first answers that there are to the changes asked for.</summary>
    public Dictionary<(string Author, string ClientId), ChangeAnswer> Answers { get; } = [];

    /// <summary>The messages that the changes name, by seq.</summary>
    public Dictionary<long, Message> Messages { get; } = [];

    public Dictionary<(long Seq, string Emoji), ReactionUsers> Reactions { get; } = [];

    /// <summary>Those who reacted to a message with an emoji, as far as the changes need them.</summary>
    internal sealed class ReactionUsers
    {
        /// <summary>The first of them in order of reaction: so many that ten stay after all the changes.</summary>
        public List<string> First { get; } = [];

        /// <summary>Those of the changes' authors who reacted.</summary>
        public HashSet<string> Has { get; } = [];

        /// <summary>As it was before the changes.</summary>
        public HashSet<string> Had { get; } = [];

        /// <summary>The rev, counted from the room's, at which authors of the changes reacted last.</summary>
        public Dictionary<string, int> Ordinals { get; } = [];

        public IReadOnlyList<string> After(React change, int count)
        {
            if (!change.On)
            {
                First.Remove(change.Author);
            }
            else if (First.Count == count)
            {
                First.Add(change.Author);
            }

            return [.. First.Take(MessageLimits.ReactionUsersShown)];
        }
    }
}
