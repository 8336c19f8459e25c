namespace DChat.Terminal.Load.Checking;

internal enum Finding
{
    Missing,
    Doubled,
    OutOfOrder,
    Holes,
    Differing,
    Phantom,
}

/// <summary>Counts what is wrong and keeps the first examples of each kind. Safe to use from any thread.</summary>
internal sealed class Findings
{
    private const int ExamplesPerKind = 5;

    private readonly long[] _counts = new long[Enum.GetValues<Finding>().Length];
    private readonly List<(Finding Kind, string Text)> _examples = [];
    private readonly Lock _gate = new();

    public long Total => _counts.Sum();

    /// <summary>The first example, in words; null while nothing is wrong.</summary>
    public string? First
    {
        get
        {
            lock (_gate)
            {
                return _examples is [var (kind, text), ..] ? $"{kind}: {text}" : null;
            }
        }
    }

    public void Add(Finding kind, string example, long count = 1)
    {
        lock (_gate)
        {
            _counts[(int)kind] += count;
            if (_examples.Count(each => each.Kind == kind) < ExamplesPerKind)
            {
                _examples.Add((kind, example));
            }
        }
    }

    /// <summary>A gap that was reported as a hole was filled late: it is a matter of order, not a hole.</summary>
    public void HoleWasFilledLate(string example)
    {
        lock (_gate)
        {
            _counts[(int)Finding.Holes]--;
        }

        Add(Finding.OutOfOrder, example);
    }

    public Verdict ToVerdict()
    {
        lock (_gate)
        {
            return new Verdict(
                _counts[(int)Finding.Missing],
                _counts[(int)Finding.Doubled],
                _counts[(int)Finding.OutOfOrder],
                _counts[(int)Finding.Holes],
                _counts[(int)Finding.Differing],
                _counts[(int)Finding.Phantom],
                [.. _examples.Select(each => $"{each.Kind}: {each.Text}")]);
        }
    }
}
