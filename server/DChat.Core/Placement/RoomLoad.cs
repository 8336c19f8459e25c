namespace DChat.Core.Placement;

/// <summary>What a room costs its host.</summary>
/// <param name="DeliveriesPerSecond">Measured; 0: quiet, or not known.</param>
public readonly record struct RoomLoad(string Room, double DeliveriesPerSecond)
{
    /// <summary>
    /// What any room is expected to cost, in deliveries a second: so that many quiet rooms are spread too, and count little beside a busy one.
    /// </summary>
    public const double Quiet = 0.1;

    public double Expected => DeliveriesPerSecond + Quiet;
}

/// <summary>A room and the worker that is to host it.</summary>
public readonly record struct RoomMove(string Room, string Worker);
