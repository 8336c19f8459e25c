namespace DChat.Server.Worker.Joining;

/// <summary>
/// Whether the cluster goes on without a worker: for so long it has heard no coordinator, and others have. Not from its last word with one on:
/// where all coordinators were away, one worker finds them a little earlier than the next.
/// </summary>
/// <param name="after">How long.</param>
internal sealed class CutOffVerdict(TimeSpan after)
{
    private TimeSpan? _othersHearSince;

    public bool IsCutOff { get; private set; }

    /// <summary>What is seen at a time, in order.</summary>
    /// <param name="hears">A coordinator is heard here.</param>
    /// <param name="othersHear">A coordinator is heard by a worker that is reached from here.</param>
    /// <param name="now">Since any one moment.</param>
    public void See(bool hears, bool othersHear, TimeSpan now)
    {
        if (hears || !othersHear)
        {
            _othersHearSince = null;
            IsCutOff &= !hears;
            return;
        }

        _othersHearSince ??= now;
        IsCutOff |= now - _othersHearSince >= after;
    }
}
