namespace DChat.Server.Coordinator.Standby;

/// <summary>The posts and calls of a standby's link to the leader.</summary>
internal static class StandbyMethods
{
    /// <summary>Standby, call: a command → index and outcome.</summary>
    public const byte Submit = 1;

    /// <summary>Standby, call: nothing → the cluster as the leader sees it, or nothing where it does not lead.</summary>
    public const byte Look = 2;

    /// <summary>Standby, post: the log entry up to which its replica is, how many workers follow the registry there, its clock in Unix milliseconds, whether it is parked, and whether its blob store lacks the leader's note.</summary>
    public const byte Report = 3;

    /// <summary>Standby, call: <see cref="EtcdMembers.EtcdMemberRequest"/> → <see cref="EtcdMembers.EtcdMemberAnswer"/>. Known to leaders of <see cref="MembersSince"/>.</summary>
    public const byte Members = 4;

    /// <summary>A version of the link.</summary>
    public const int MembersSince = 5;
}
