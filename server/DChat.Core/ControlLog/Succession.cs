namespace DChat.Core.ControlLog;

/// <summary>What a standby may conclude of the leader from its link to it.</summary>
public static class Succession
{
    /// <summary>
    /// The leader's process is gone and need not be waited for: a link that stood in this very term ended, and nobody listens where the leader
    /// was. One that was never reached in its term may be well and out of reach from here alone; two standbys that depose each other in turn
    /// would be the end of that.
    /// </summary>
    /// <param name="leader">As the log has it now.</param>
    /// <param name="linkedTerm">Of the latest link that stood; 0: none did.</param>
    /// <param name="isRefused">The connection was refused, not merely unanswered.</param>
    public static bool IsLeaderGone(LeaderInfo leader, long linkedTerm, bool isRefused) => isRefused && leader.Term == linkedTerm;

    /// <summary>
    /// The leader is the process before this one: it led in the latest term that this node's own folder knows of. (Its address would not tell: two
    /// nodes may have been given the same by mistake.) To be asked before this node campaigns: afterwards it may be itself.
    /// </summary>
    /// <param name="leader">As the log has it now.</param>
    /// <param name="latestTerm">In which a process with this node's folder led; 0: none did.</param>
    public static bool IsPredecessor(LeaderInfo leader, long latestTerm) => leader.Term == latestTerm;
}
