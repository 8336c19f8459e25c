namespace DChat.Server.Tests.Security;

/// <summary>A clock that a test moves ahead; timers run as ever.</summary>
/// <param name="stands">It stands still between the moves; else it is the real clock, shifted.</param>
internal sealed class ShiftedTime(bool stands = false) : TimeProvider
{
    private readonly DateTimeOffset _start = TimeProvider.System.GetUtcNow();
    private long _offset;

    public override DateTimeOffset GetUtcNow() => (stands ? _start : base.GetUtcNow()).AddTicks(Volatile.Read(ref _offset));

    public void Advance(TimeSpan by) => Interlocked.Add(ref _offset, by.Ticks);
}
