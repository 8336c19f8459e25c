namespace DChat.Server.Worker.Joining;

/// <summary>
/// Whether the cluster goes on without a worker: others hear a coordinator, it looked for one since and found none, and for so long after that it
/// has heard none still. Not from its last word with one on: where all coordinators were away, one worker finds them a little earlier than the next,
/// and where they refused it for good, it may look for them seldom.
/// </summary>
/// <param name="after">How long.</param>
/// <param name="search">Looks for a coordinator at once; the task ends when one that was begun since found none.</param>
internal sealed class CutOffVerdict(TimeSpan after, Func<Task> search)
{
    private Task? _search;
    private TimeSpan? _foundNoneAt;

    public bool IsCutOff { get; private set; }

    /// <summary>What is seen at a time, in order.</summary>
    /// <param name="hears">A coordinator is heard here.</param>
    /// <param name="othersHear">A coordinator is heard by a worker that is reached from here, or the cluster goes on without this one by another sign.</param>
    /// <param name="now">Since any one moment.</param>
    public void See(bool hears, bool othersHear, TimeSpan now)
    {
        if (hears || !othersHear)
        {
            (_search, _foundNoneAt) = (null, null);
            IsCutOff &= !hears;
            return;
        }

        _search ??= search();
        if (_search.IsCompleted)
        {
            _foundNoneAt ??= now;
            IsCutOff |= now - _foundNoneAt >= after;
        }
    }
}
