using System.Globalization;
using System.Text;

namespace DChat.Cluster.Tests.Linearizability;

/// <summary>
/// Whether a history of concurrent calls can be explained by a sequential model: each call takes effect at one moment between its call and its
/// answer (Herlihy and Wing, "Linearizability", TOPLAS 1990).
/// </summary>
/// <remarks>
/// The search is Wing and Gong's ("Testing and verifying concurrent objects", JPDC 1993) in the form that Lowe gave it ("Testing for
/// linearizability", CCPE 2017): the earliest calls are tried in turn, and a configuration (which calls took effect, and the state that they
/// left) is looked at once only. Horn and Kroening ("Faster linearizability checking via P-compositionality", FORTE 2015): independent objects
/// are judged one by one, which is the caller's to do.
/// </remarks>
internal static class LinearizabilityChecker
{
    /// <summary>Configurations that are looked at in one history: some hundred MB, and seconds.</summary>
    public const int ConfigurationsMax = 1_000_000;

    /// <summary>Why no order of the calls explains the history, for people; null: one does.</summary>
    /// <exception cref="SearchExceededException">Neither was found within <paramref name="configurationsMax"/> configurations.</exception>
    public static string? FindViolation<TState, TInput>(
        ISequentialModel<TState, TInput> model, IReadOnlyList<Operation<TInput>> history, int configurationsMax = ConfigurationsMax) =>
        new Search<TState, TInput>(model, history, configurationsMax).FindViolation();

    private sealed class Search<TState, TInput>(ISequentialModel<TState, TInput> model, IReadOnlyList<Operation<TInput>> history, int configurationsMax)
    {
        private readonly Timeline _open = new([.. history.Select(operation => (operation.From, operation.To))]);
        private readonly int[] _before = OwnBefore(history);
        private readonly ulong[] _done = new ulong[(history.Count + 63) / 64];
        private readonly Stack<(int Operation, TState Before)> _order = new();
        private readonly HashSet<Configuration> _seen = [];
        private int _unanswered = history.Count(operation => operation.To is not null);
        private (int Count, List<int> Order, TState State) _furthest = (-1, [], model.Start);

        public string? FindViolation()
        {
            var state = model.Start;
            var at = _open.First;
            while (_unanswered > 0)
            {
                if (_open.CallAt(at) is not { } call)
                {
                    // Somebody was answered whose call did not take effect yet: another order, or none.
                    Note(state);
                    if (!_order.TryPop(out var last))
                    {
                        return Describe();
                    }

                    state = last.Before;
                    at = TakeBack(last.Operation);
                }
                else if (TryStep(state, call, out var after))
                {
                    _order.Push((call, state));
                    state = after;
                    _open.Remove(call);
                    _unanswered -= history[call].To is null ? 0 : 1;
                    at = _open.First;
                }
                else
                {
                    at = _open.After(at);
                }
            }

            return null;
        }

        private bool TryStep(TState state, int call, out TState after)
        {
            after = state;
            if (_before[call] is >= 0 and var own && !IsDone(own))
            {
                return false;
            }

            (after, var output) = model.Step(state, history[call].Input);
            var key = model.KeyOf(after);
            if (history[call].To is null ? key == model.KeyOf(state) : output != history[call].Output)
            {
                return false; // What nobody waits for and what changes nothing may as well never happen.
            }

            _done[call / 64] |= 1UL << (call % 64);
            if (_seen.Add(new Configuration([.. _done], key)))
            {
                return _seen.Count <= configurationsMax ? true : throw new SearchExceededException(history.Count, configurationsMax);
            }

            _done[call / 64] &= ~(1UL << (call % 64));
            return false;
        }

        private int TakeBack(int call)
        {
            _done[call / 64] &= ~(1UL << (call % 64));
            _open.PutBack(call);
            _unanswered += history[call].To is null ? 0 : 1;
            return _open.After(Timeline.CallOf(call));
        }

        private bool IsDone(int call) => (_done[call / 64] >> (call % 64) & 1) != 0;

        private void Note(TState state)
        {
            if (_order.Count > _furthest.Count)
            {
                _furthest = (_order.Count, [.. _order.Reverse().Select(step => step.Operation)], state);
            }
        }

        private string Describe()
        {
            const int LinesMax = 12;
            var text = new StringBuilder();
            text.AppendLine(CultureInfo.InvariantCulture, $"no order explains these {history.Count} calls. At most {_furthest.Count} take effect one after the other, the last ones being:");
            foreach (var call in _furthest.Order.TakeLast(LinesMax))
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"  {history[call]}");
            }

            text.AppendLine(CultureInfo.InvariantCulture, $"which leaves {model.KeyOf(_furthest.State)}. Then none of these fits:");
            foreach (var call in Enumerable.Range(0, history.Count).Except(_furthest.Order).OrderBy(call => history[call].From).Take(LinesMax))
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"  {history[call]}");
            }

            return text.ToString();
        }

        /// <summary>For each call, the one before it of the same client whose outcome is known; -1: none.</summary>
        private static int[] OwnBefore(IReadOnlyList<Operation<TInput>> history)
        {
            var before = new int[history.Count];
            var last = new Dictionary<int, int>();
            for (var call = 0; call < history.Count; call++)
            {
                before[call] = last.GetValueOrDefault(history[call].Client, -1);
                if (history[call].To is not null)
                {
                    last[history[call].Client] = call;
                }
            }

            return before;
        }
    }

    /// <param name="done">A bit for each call that took effect.</param>
    private readonly struct Configuration(ulong[] done, string key) : IEquatable<Configuration>
    {
        private readonly ulong[] _done = done;
        private readonly string _key = key;

        public bool Equals(Configuration other) => _key == other._key && _done.AsSpan().SequenceEqual(other._done);

        public override bool Equals(object? obj) => obj is Configuration other && Equals(other);

        public override int GetHashCode()
        {
            var hash = default(HashCode);
            hash.Add(_key);
            hash.AddBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(_done.AsSpan()));
            return hash.ToHashCode();
        }
    }
}

/// <summary>A history was neither explained nor found wrong within the effort allowed: it has too many calls at once, or too many of unknown outcome.</summary>
internal sealed class SearchExceededException(int calls, int configurations)
    : Exception(string.Create(CultureInfo.InvariantCulture, $"whether {calls} calls are linearizable was not found out within {configurations} configurations; let fewer clients call at once, or split the history by what is independent"));
