using DChat.Core.ControlLog;

namespace DChat.Storage;

/// <summary>A leadership that is held inside one process; its loss and its resignation are the same step, taken once.</summary>
internal sealed class LocalLeadership(long term, string advertise, Action<LocalLeadership> resign) : ILeadership
{
    private readonly CancellationTokenSource _lost = new();

    public long Term => term;

    public LeaderInfo Info { get; } = new(term, advertise);

    public CancellationToken Lost => _lost.Token;

    public void Lose() => _lost.Cancel();

    public ValueTask DisposeAsync()
    {
        resign(this);
        return ValueTask.CompletedTask;
    }
}
