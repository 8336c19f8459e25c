using DChat.Core.Messages;
using DChat.Protocol;
using DChat.Server.Worker.Host;

namespace DChat.Server.Worker.Peers;

/// <summary>A change of a client of this gateway that is not answered yet, in line with the others of its room.</summary>
/// <param name="refusal">It is refused already, unless it repeats a change that was made.</param>
/// <param name="deadlineMs">When it is answered <c>unavailable</c> at the latest, in <see cref="Environment.TickCount64"/> milliseconds.</param>
internal sealed class OutstandingChange(RoomRoute route, RoomChange change, HubError? refusal, IChangeReceiver receiver, long deadlineMs) : IChangeReceiver
{
    public RoomRoute Route { get; } = route;

    public RoomChange Change { get; } = change;

    public HubError? Refusal { get; } = refusal;

    public IChangeReceiver Receiver { get; } = receiver;

    public long DeadlineMs { get; } = deadlineMs;

    /// <summary>Its neighbours in line. Under the route's lock.</summary>
    public OutstandingChange? Previous { get; set; }

    /// <inheritdoc cref="Previous"/>
    public OutstandingChange? Next { get; set; }

    /// <summary>It is answered. Under the route's lock.</summary>
    public bool IsDone { get; set; }

    public void Completed(in ChangeOutcome outcome) => Route.Completed(this, outcome);
}
