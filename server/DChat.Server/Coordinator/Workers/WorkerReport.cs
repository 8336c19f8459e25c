using System.Text.Json.Serialization;
using DChat.Core.Registry;

namespace DChat.Server.Coordinator.Workers;

/// <summary>With what a worker asks to take part.</summary>
/// <param name="Capacity">Relative to the other workers; 1 to 1,000,000.</param>
/// <param name="Labels"><c>key=value</c>.</param>
/// <param name="Store">The id of its message store; null: it has none, is given no rooms, and is a gateway only.</param>
/// <param name="Drains">This process was told to go: it is given no rooms, also where it was taken for gone meanwhile. Leaders of the version before do not read it.</param>
internal sealed record WorkerApplication(int Capacity, IReadOnlyList<string> Labels, string? Store, bool Drains = false);

/// <summary>What a worker is answered.</summary>
/// <param name="Error">Why it may not take part, for people; null: it may.</param>
/// <param name="Epoch">The least epoch of its rooms.</param>
/// <param name="Index">The log entry from which on the registry shows it.</param>
/// <param name="IsPassing">Not now: the error is no refusal, and another try may go well.</param>
/// <param name="IsTaken">Another process takes part as this worker, and lives. Leaders of the version before do not say so: with them whoever came last takes part.</param>
internal sealed record WorkerAdmission(string? Error, long Epoch, long Index, bool IsPassing = false, bool IsTaken = false);

/// <summary>What a worker says of itself once a second.</summary>
/// <param name="Connections">Of clients.</param>
/// <param name="RoomsOpen">Rooms that it has open as their host.</param>
/// <param name="DeliveriesPerSecond">Of the rooms that it hosts, to all gateways' clients, over the last seconds.</param>
/// <param name="Index">The log entry up to which its replica is.</param>
/// <param name="StoreError">Why its message store could not be used at the latest check that ended; null: it could. Of a worker without one: null.</param>
/// <param name="Unreachable">Workers to which it has rooms to ask for and no link.</param>
/// <param name="Busiest">Its busiest rooms, at most <see cref="WorkerReports.BusiestMax"/>, busiest first.</param>
/// <param name="Activity">Rooms whose activity changed, at most <see cref="WorkerReports.ActivityMax"/>.</param>
/// <param name="StoreCheckMs">How long ago that check of the store began. Leaders of the version before do not read it.</param>
internal sealed record WorkerReport(
    int Connections,
    int RoomsOpen,
    double DeliveriesPerSecond,
    long Index,
    string? StoreError,
    IReadOnlyList<string> Unreachable,
    IReadOnlyList<RoomLoadReport> Busiest,
    IReadOnlyList<RoomActivity> Activity,
    long StoreCheckMs = 0);

/// <param name="DeliveriesPerSecond">Messages times members online.</param>
internal readonly record struct RoomLoadReport(string Room, double DeliveriesPerSecond);

/// <summary>Soft state of a room: never logged, told on at most once a second.</summary>
/// <param name="LastSentAt">Unix milliseconds of the newest message; 0: none.</param>
internal readonly record struct RoomActivity(string Room, int Online, long LastSentAt);

/// <summary>What is told on to every worker, once a second where it changed.</summary>
internal sealed record ActivityNews(IReadOnlyList<RoomActivity> Rooms);

internal static class WorkerReports
{
    public const int BusiestMax = 200;
    public const int ActivityMax = 5_000;
    public const int UnreachableMax = 1_000;

    /// <summary>How often a worker reports.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>A message store that does not answer for so long cannot be used.</summary>
    public static readonly TimeSpan StoreCheckLimit = TimeSpan.FromSeconds(2);

    /// <summary>Checks of a store that answers begin no further apart, or a report was late.</summary>
    public static readonly TimeSpan StoreChecksApart = 1.5 * Interval;

    private const long StoreCheckMsMax = 86_400_000;

    /// <summary>A report that goes beyond what one may hold is refused.</summary>
    public static bool IsSane(this WorkerReport report) =>
        report.Connections >= 0 && report.RoomsOpen >= 0 && report.StoreCheckMs is >= 0 and <= StoreCheckMsMax && double.IsFinite(report.DeliveriesPerSecond) && report.DeliveriesPerSecond >= 0
        && report.Unreachable.Count <= UnreachableMax && report.Busiest.Count <= BusiestMax && report.Activity.Count <= ActivityMax
        && report.Busiest.All(room => double.IsFinite(room.DeliveriesPerSecond) && room.DeliveriesPerSecond >= 0);
}

/// <summary>The posts and calls of a registry link.</summary>
internal static class RegistryMethods
{
    /// <summary>Worker, call: <see cref="WorkerApplication"/> → <see cref="WorkerAdmission"/>. The leader alone admits.</summary>
    public const byte Register = 1;

    /// <summary>
    /// Worker, call, once: the index from which on it wants the registry, and, where it has it, the <see cref="EntryMark"/> of the entry before → the
    /// index up to which the coordinator has it, and whether that entry is another there: then nothing is told.
    /// </summary>
    public const byte Follow = 2;

    /// <summary>Worker, call: a command → index and <see cref="Outcome"/>. A standby passes it on.</summary>
    public const byte Submit = 3;

    /// <summary>Worker, post: <see cref="WorkerReport"/>.</summary>
    public const byte Report = 4;

    /// <summary>Worker, post: it leaves and has no rooms any more.</summary>
    public const byte Leave = 5;

    /// <summary>Worker, call: nothing → <see cref="DChat.Protocol.ClusterStatus"/>, or nothing where no leader is reached.</summary>
    public const byte Look = 6;

    /// <summary>Worker, call: nothing → whether this coordinator leads; where the leader is, empty where it knows of none; whether it reaches the leader.</summary>
    public const byte Who = 7;

    /// <summary>Worker, call: <see cref="EtcdMembers.EtcdMemberRequest"/> → <see cref="EtcdMembers.EtcdMemberAnswer"/>. Known to coordinators of <see cref="MembersSince"/>.</summary>
    public const byte Members = 8;

    /// <summary>A version of the link.</summary>
    public const int MembersSince = 2;

    /// <summary>Coordinator, post: index, entry.</summary>
    public const byte Entry = 10;

    /// <summary>Coordinator, post: part of a whole registry.</summary>
    public const byte StatePart = 11;

    /// <summary>Coordinator, post: the whole registry is told.</summary>
    public const byte StateEnd = 12;

    /// <summary>Coordinator, post: <see cref="ActivityNews"/>.</summary>
    public const byte Activity = 13;

    /// <summary>Coordinator, post: another process took this worker's id; this one must end.</summary>
    public const byte Replaced = 14;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(WorkerApplication))]
[JsonSerializable(typeof(WorkerAdmission))]
[JsonSerializable(typeof(WorkerReport))]
[JsonSerializable(typeof(ActivityNews))]
[JsonSerializable(typeof(Outcome))]
internal sealed partial class WorkerJson : JsonSerializerContext;
