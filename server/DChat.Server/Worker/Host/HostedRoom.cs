using DChat.Core.Messages;
using DChat.Protocol;

namespace DChat.Server.Worker.Host;

/// <summary>
/// A room of which this worker is the host: the only one who numbers its messages, as long as its epoch stands.
/// </summary>
/// <remarks>
/// <see cref="Gate"/> guards what gateways and the commit loop both touch. <see cref="Seq"/> and <see cref="Rev"/>
/// belong to the commit loop alone. Lock order: room, feed, connection.
/// </remarks>
internal sealed class HostedRoom(string id)
{
    public readonly Lock Gate = new();

    public string Id { get; } = id;

    public RoomPhase Phase { get; set; } = RoomPhase.New;

    /// <summary>The epoch at which this worker got it; another one is another <see cref="HostedRoom"/>. 0: not looked up yet.</summary>
    public long Epoch { get; set; }

    /// <summary>Another worker or epoch has it: nothing more is taken, and it goes when what is being committed is published.</summary>
    public bool IsLeaving { get; set; }

    /// <summary>
    /// It was opened in the store under its epoch: hosts before it are refused there, whatever became of this one since. Not while the outcome of
    /// a write of its own is unknown.
    /// </summary>
    public bool IsFenced { get; set; }

    public RoomFlight Flight { get; } = new();

    /// <summary>As the store last told it.</summary>
    public long Seq { get; set; }

    /// <inheritdoc cref="Seq"/>
    public long Rev { get; set; }

    /// <summary>The last revision that was told to the sinks: what a subscription continues from.</summary>
    public long PublishedRev { get; set; }

    /// <summary>Unix milliseconds of the newest message; 0: none.</summary>
    public long LastSentAt { get; set; }

    /// <summary>The last registry notice that was handed in as a system message.</summary>
    public (long Index, int Ordinal) NoticesThrough { get; set; }

    public RoomRing Ring { get; } = new();

    public RecentBatches Recent { get; } = new();

    public RoomPresence Presence { get; } = new();

    public RoomTyping Typing { get; } = new();

    /// <summary>Who is online as JSON text, of the presence version for which it was written; the same for all who ask.</summary>
    public (long Version, byte[] Names)? OnlineText { get; set; }

    /// <summary>Changes waiting for a commit, in order of arrival.</summary>
    public Queue<PendingChange> Waiting { get; } = new();

    /// <summary>The room stands in the commit loop's queue.</summary>
    public bool IsQueued { get; set; }

    public List<IRoomSink> Sinks { get; } = [];

    /// <summary>Completes when the room is open, with false when it cannot be opened here.</summary>
    public TaskCompletionSource<bool>? Opened { get; set; }

    /// <summary>When somebody last needed the room, in <see cref="Environment.TickCount64"/> milliseconds.</summary>
    public long UsedAt { get; set; }

    /// <summary>Events times users online since the load was averaged last.</summary>
    public long Deliveries { get; set; }

    /// <summary>Averaged over the last seconds.</summary>
    public double DeliveriesPerSecond { get; set; }

    /// <summary>Its load is being averaged.</summary>
    public bool IsBusy { get; set; }

    /// <summary>For slow mode; null while that was off since the room opened.</summary>
    public SendTimes? LastSends { get; set; }
}

internal enum RoomPhase
{
    /// <summary>Not opened in the store yet, or its outcome there is unknown: opening answers where it stands.</summary>
    New,
    Opening,
    Open,

    /// <summary>Taken out of service; never used again.</summary>
    Gone,
}

/// <summary>A change that waits for its commit.</summary>
/// <param name="DeadlineMs">When the caller is answered <c>unavailable</c> at the latest, in <see cref="Environment.TickCount64"/> milliseconds.</param>
/// <param name="Refusal">It is refused already, unless it repeats a change that was queued or committed before it.</param>
internal sealed record PendingChange(RoomChange Change, IChangeReceiver Receiver, long DeadlineMs, HubError? Refusal = null, ChangeFlow? Flow = null, long Attempt = 0)
{
    /// <summary>It is not made here and now; nor is what came after it in the same attempt. Under the room's lock.</summary>
    public void Refuse() => Flow?.Refuse(Attempt);

    /// <summary>Roughly what it costs to hold and to write, in bytes.</summary>
    public int Cost => Change switch
    {
        PostMessage post => 256 + (post.Body.Length * 2),
        EditMessage edit => 256 + (edit.Body.Length * 2),
        _ => 256,
    };
}
