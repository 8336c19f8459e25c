namespace DChat.Server.Worker.Host;

/// <summary>
/// What one gateway sends to one room. A gateway sends what was refused for now again, in order: so what it sent after that in the same
/// attempt must not be taken before it; nor what it sent in an attempt before, over a link that ended, behind what it has sent since.
/// </summary>
internal sealed class ChangeFlow
{
    private long refusedThrough;
    private long newest;

    public bool Admits(long attempt) => attempt > Volatile.Read(ref refusedThrough);

    /// <summary>Whether it may stand in line behind what does. To be asked under the room's lock.</summary>
    public bool Enters(long attempt)
    {
        if (!Admits(attempt) || attempt < newest)
        {
            return false;
        }

        newest = attempt;
        return true;
    }

    public void Refuse(long attempt)
    {
        for (var known = Volatile.Read(ref refusedThrough); attempt > known;)
        {
            known = Interlocked.CompareExchange(ref refusedThrough, attempt, known);
        }
    }
}

/// <summary>Where a change comes from and under what it was sent.</summary>
/// <param name="Epoch">The host's epoch by the sender's registry; under another one the change is refused as moved.</param>
/// <param name="Attempt">Rises whenever a gateway sends again what waits.</param>
/// <param name="DeadlineMs">When the caller is answered <c>unavailable</c> at the latest, in <see cref="Environment.TickCount64"/> milliseconds.</param>
internal readonly record struct ChangeOrigin(ChangeFlow Flow, long Epoch, long Attempt, long DeadlineMs);
