using DChat.Core.Registry;

namespace DChat.Server.Worker.Joining;

/// <summary>
/// Whether the cluster passes over a worker that takes part in it: it has lost what its clients need, hosts no room, and for so long without a break the
/// leader has said that it gives it none. By itself a worker cannot tell whether it is the one that is cut off, or whether others can use the store that it cannot.
/// </summary>
/// <param name="after">How long.</param>
internal sealed class PassedOverVerdict(TimeSpan after)
{
    public const string ReachesNoHosts = "This worker cannot reach others that host rooms.";
    public const string ReachesNoStore = "This worker cannot use the message store, and others can.";

    private TimeSpan? _since;

    public bool IsPassedOver { get; private set; }

    /// <summary>What is seen at a time, in order.</summary>
    /// <param name="isInTrouble"><see cref="TroubleOf"/> finds any.</param>
    /// <param name="isUnfit">The leader says that it gives this worker no rooms. Who was passed over stays so until its trouble is over: another leader may be elected, and needs a while to say so again.</param>
    /// <param name="now">Since any one moment.</param>
    public void See(bool isInTrouble, bool isUnfit, TimeSpan now)
    {
        _since = isInTrouble && isUnfit ? _since ?? now : null;
        IsPassedOver = isInTrouble && (IsPassedOver || now - _since >= after);
    }

    /// <summary>
    /// What a worker's clients lack that hosts no room itself while others do, for people; null: nothing, or there is nobody to send them to. Where only one worker
    /// hosts, those that cannot reach it keep their clients: they would be sent round.
    /// </summary>
    /// <param name="unreachable">Workers to which it has no link.</param>
    /// <param name="hasStore">Its latest check of the message store went well, or it has none.</param>
    public static string? TroubleOf(RegistryState state, string self, IReadOnlyCollection<string> unreachable, bool hasStore)
    {
        var active = state.Workers().Where(static worker => worker.State == WorkerState.Active).ToList();
        var hosting = active.FindAll(worker => worker.Id != self && worker.RoomCount > 0);
        return !active.Exists(worker => worker.Id == self && worker.RoomCount == 0) || hosting.Count == 0 || active.Count(static worker => worker.Capacity > 0) < 2 ? null
            : !hasStore ? ReachesNoStore
            : hosting.Exists(worker => unreachable.Contains(worker.Id)) ? ReachesNoHosts
            : null;
    }
}
