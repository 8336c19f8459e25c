namespace DChat.Server.Coordinator;

/// <summary>
/// How long a coordinator does not campaign whose appends the log refuses for good. Others may be let in, so they are to lead; where none is, the same refusal must not
/// end one term after the other as fast as there are elections. Longer each time, while it goes on.
/// </summary>
internal sealed class RefusedAppends(TimeProvider time)
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    /// <summary>A refusal is a first one again after so long without any.</summary>
    private static readonly TimeSpan ForgottenAfter = TimeSpan.FromMinutes(5);

    private TimeSpan _pause;
    private long _since;

    /// <summary>Another one.</summary>
    /// <returns>How long the pause is.</returns>
    public TimeSpan Add()
    {
        _pause = _pause == TimeSpan.Zero || time.GetElapsedTime(_since) > ForgottenAfter ? First : _pause * 2 < Longest ? _pause * 2 : Longest;
        _since = time.GetTimestamp();
        return _pause;
    }

    /// <summary>Until the pause is over, if there is one.</summary>
    public async Task WaitAsync(CancellationToken cancellation)
    {
        if (_pause - time.GetElapsedTime(_since) is { Ticks: > 0 } left)
        {
            await Task.Delay(left, time, cancellation);
        }
    }
}
