namespace DChat.Server.Nodes;

/// <summary>Keeps what happens again and again from filling the log: said once, then counted, and the count said at most once a minute.</summary>
internal sealed class Repeats(TimeProvider time)
{
    /// <summary>Different things that are told apart; the rest are counted as one, so that nobody can make this grow.</summary>
    public const int KeysMax = 1_000;

    public static readonly TimeSpan SayAgainAfter = TimeSpan.FromMinutes(1);

    /// <summary>What did not happen for so long is new when it happens again.</summary>
    public static readonly TimeSpan ForgetAfter = TimeSpan.FromMinutes(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Seen> _seen = new(StringComparer.Ordinal);

    /// <summary>It happened. How often since it was last said, to be said now: 1 the first time; 0: nothing is to be said.</summary>
    public int Next(string what)
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            if (!_seen.ContainsKey(what) && _seen.Count >= KeysMax)
            {
                foreach (var (old, _) in _seen.Where(seen => time.GetElapsedTime(seen.Value.LastAt, now) > ForgetAfter).ToList())
                {
                    _seen.Remove(old);
                }

                what = _seen.Count >= KeysMax ? "" : what;
            }

            if (!_seen.TryGetValue(what, out var seen) || time.GetElapsedTime(seen.LastAt, now) > ForgetAfter)
            {
                _seen[what] = new Seen(SaidAt: now, LastAt: now, Unsaid: 0);
                return 1;
            }

            var unsaid = seen.Unsaid + 1;
            var isSaid = time.GetElapsedTime(seen.SaidAt, now) >= SayAgainAfter;
            _seen[what] = isSaid ? new Seen(now, now, 0) : seen with { LastAt = now, Unsaid = unsaid };
            return isSaid ? unsaid : 0;
        }
    }

    private readonly record struct Seen(long SaidAt, long LastAt, int Unsaid);
}

/// <summary>What others say, for logs: without what could steer a terminal or begin a line, and not long.</summary>
internal static class Printable
{
    private const int LengthMax = 300;

    public static string Of(string text) => string.Concat(text.Take(LengthMax).Select(letter => char.IsControl(letter) || char.IsSurrogate(letter) ? '?' : letter));
}
