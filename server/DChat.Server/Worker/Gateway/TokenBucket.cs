namespace DChat.Server.Worker.Gateway;

/// <summary>
/// Limits a rate but lets bursts through (the token bucket of RFC 2697): it holds at most <c>burst</c> tokens and refills by
/// <c>perSecond</c>. Thread-safe.
/// </summary>
/// <param name="burst">0: no limit.</param>
/// <param name="perSecond">0: no limit.</param>
internal sealed class TokenBucket(int burst, int perSecond)
{
    private readonly Lock gate = new();
    private double tokens = burst;
    private long filledAt = Environment.TickCount64;

    /// <summary>Takes a token; where there is none, answers false and when there will be one, in milliseconds.</summary>
    public bool TryTake(out long retryAfterMs)
    {
        retryAfterMs = 0;
        if (burst == 0 || perSecond == 0)
        {
            return true;
        }

        lock (gate)
        {
            var now = Environment.TickCount64;
            tokens = Math.Min(burst, tokens + ((now - filledAt) * perSecond / 1_000.0));
            filledAt = now;
            if (tokens >= 1)
            {
                tokens--;
                return true;
            }

            retryAfterMs = Math.Max(1, (long)Math.Ceiling((1 - tokens) * 1_000 / perSecond));
            return false;
        }
    }
}
