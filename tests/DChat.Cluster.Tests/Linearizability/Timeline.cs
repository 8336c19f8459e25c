namespace DChat.Cluster.Tests.Linearizability;

/// <summary>The calls and answers of a history in the order of their times, as a list from which a call goes with its answer, and into which it comes back.</summary>
internal sealed class Timeline
{
    private const int End = -1;

    private readonly int[] _next;
    private readonly int[] _previous;
    private readonly bool[] _isAnswered;
    private readonly int _head;

    /// <param name="spans">Of each call: its time, and that of its answer; null: none came.</param>
    public Timeline(IReadOnlyList<(long From, long? To)> spans)
    {
        _head = spans.Count * 2;
        (_next, _previous) = (new int[_head + 1], new int[_head + 1]);
        _isAnswered = [.. spans.Select(span => span.To is not null)];
        var order = Enumerable.Range(0, spans.Count)
            .SelectMany(call => spans[call].To is { } to ? [(Time: spans[call].From, Node: CallOf(call)), (Time: to, Node: AnswerOf(call))] : new[] { (Time: spans[call].From, Node: CallOf(call)) })
            .OrderBy(node => node.Time).ThenBy(node => node.Node % 2) // At the same moment a call comes first: the two were concurrent.
            .Select(node => node.Node);
        var last = _head;
        foreach (var node in order)
        {
            (_next[last], _previous[node]) = (node, last);
            last = node;
        }

        _next[last] = End;
    }

    public int First => _next[_head];

    public static int CallOf(int call) => call * 2;

    public int After(int node) => _next[node];

    /// <summary>The call that stands at a place; null where it is an answer, or the end.</summary>
    public int? CallAt(int node) => node != End && node % 2 == 0 ? node / 2 : null;

    public void Remove(int call)
    {
        Unlink(CallOf(call));
        if (_isAnswered[call])
        {
            Unlink(AnswerOf(call));
        }
    }

    /// <summary>Takes back the latest <see cref="Remove"/> that was not taken back.</summary>
    public void PutBack(int call)
    {
        if (_isAnswered[call])
        {
            Link(AnswerOf(call));
        }

        Link(CallOf(call));
    }

    private static int AnswerOf(int call) => (call * 2) + 1;

    private void Unlink(int node)
    {
        _next[_previous[node]] = _next[node];
        if (_next[node] != End)
        {
            _previous[_next[node]] = _previous[node];
        }
    }

    private void Link(int node)
    {
        _next[_previous[node]] = node;
        if (_next[node] != End)
        {
            _previous[_next[node]] = node;
        }
    }
}
