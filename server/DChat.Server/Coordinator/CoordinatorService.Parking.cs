using DChat.Core.Registry;

namespace DChat.Server.Coordinator;

/// <content>What becomes of a coordinator whose program is older than what the log holds, and whose etcd the others need.</content>
internal sealed partial class CoordinatorService
{
    private readonly CancellationTokenSource _parked = new();
    private string? _whyParked;

    /// <summary>
    /// Why this node neither leads nor stands by, for people; null: it does one of them. The log holds what a newer program wrote, and this one would have
    /// another registry than the others: it waits to be upgraded, and the etcd that it runs goes on for them.
    /// </summary>
    public string? WhyParked => Volatile.Read(ref _whyParked);

    public bool IsParked => WhyParked is not null;

    /// <summary>Does something when this node parks; at once where it did.</summary>
    public CancellationTokenRegistration WhenParked(Action act) => _parked.Token.Register(act);

    /// <summary>Where it ended, its etcd would end with it, and in the middle of an upgrade the majority with that.</summary>
    private bool MayPark => _options.RunsMember && !_options.StartsAsLeader;

    private void Park(UnknownRegistryEventException newer)
    {
        Volatile.Write(ref _whyParked, $"The coordinator at {Advertise} is older than the cluster, and neither leads nor stands by: {newer.Message}");
        Log.Parked(_logger, newer.Message);
        _parked.Cancel();
    }

    /// <summary>Until the end of the process. The leader is told, so that its <c>status</c> shows it.</summary>
    private Task StayParkedAsync(CancellationToken stop) =>
        _leaderLink?.RunAsync(mayStandBy: true, isParked: true, stop) ?? Task.Delay(Timeout.InfiniteTimeSpan, stop);

    private static partial class Log
    {
        [LoggerMessage(EventId = 2048, Level = LogLevel.Critical, Message = "This coordinator is older than the cluster, and parks: it neither leads nor stands by until it is upgraded; its etcd runs on. {Reason}")]
        public static partial void Parked(ILogger logger, string reason);
    }
}
