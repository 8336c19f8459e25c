namespace DChat.Server.Tests.Security;

/// <summary>A clock that a test moves ahead; timers run as ever.</summary>
/// <param name="stands">It stands still between the moves; else it is the real clock, shifted.</param>
internal sealed class ShiftedTime(bool stands = false) : TimeProvider
{
    private DateTimeOffset? _stood = stands ? TimeProvider.System.GetUtcNow() : null;
    private long _offset;

    public override DateTimeOffset GetUtcNow() => (_stood ?? base.GetUtcNow()).AddTicks(Volatile.Read(ref _offset));

    /// <summary>From now on it moves by the test's hand only, however long the machine takes.</summary>
    public void Stand() => _stood = base.GetUtcNow();

    public void Advance(TimeSpan by) => Interlocked.Add(ref _offset, by.Ticks);
}
