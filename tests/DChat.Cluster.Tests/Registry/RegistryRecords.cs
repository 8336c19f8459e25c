using DChat.Core.ControlLog;
using DChat.Core.Registry;

namespace DChat.Cluster.Tests.Registry;

/// <summary>
/// The registry as the log alone makes it, entry by entry. Pure but for its memory: what it is given decides what it finds.
/// </summary>
/// <remarks>
/// Right is: entries without holes, no term behind a later one; no command twice; none that nobody called; whoever was answered that his
/// command was carried out finds it once, up to the entry that he was told and after all that was answered before he called; and where it does
/// not stand there, because it was refused or changed nothing, the registry's rules say the same upon a state between what was answered before
/// he called and the entry that he was told (linearizability: Herlihy and Wing, 1990): a copy of a refused command gets the first one's answer.
/// </remarks>
internal sealed class RegistryRecords
{
    /// <summary>States that are kept. Who is answered, and who tells what he holds, speaks of the newest few.</summary>
    private const int StatesMax = 5_000;

    /// <summary>As the cluster's coordinators have them.</summary>
    private static readonly RegistryLimits Limits = new(RoomsPerUser: 0, MembersPerRoom: 0);

    private readonly Lock _gate = new();
    private readonly HashSet<(string Actor, string Id)> _issued = [];
    private readonly Dictionary<(string Actor, string Id), (long Index, Outcome Outcome)> _found = [];
    private readonly Dictionary<long, (RegistryState State, RegistryEntry? Entry)> _states = new() { [0] = (RegistryState.Empty, null) };
    private long _term;

    public long Index { get; private set; }

    public RegistryState State => _states[Index].State;

    public void Issue(Command command)
    {
        lock (_gate)
        {
            _issued.Add((command.Actor, command.CommandId));
        }
    }

    /// <summary>Takes the next entry; what is wrong with it, or null.</summary>
    public string? Take(LogEntry logged)
    {
        var entry = RegistryEntryCodec.Decode(logged.Payload.Span);
        lock (_gate)
        {
            var finding = logged.Index != Index + 1 ? $"entry {logged.Index} stands behind entry {Index}"
                : logged.Term < _term ? $"entry {logged.Index} of term {logged.Term} stands behind one of term {_term}"
                : null;
            _term = logged.Term;
            foreach (var record in entry.Records.Where(record => record.CommandId.Length > 0))
            {
                var key = (record.Actor, record.CommandId);
                if (!_found.TryAdd(key, (logged.Index, record.Outcome)))
                {
                    finding ??= $"the command {key} stands in entry {_found[key].Index} and again in entry {logged.Index}";
                }

                if (record.CommandId.StartsWith(LogAudit.IdPrefix, StringComparison.Ordinal) && !_issued.Contains(key))
                {
                    finding ??= $"the command {key} in entry {logged.Index} was never called";
                }
            }

            _states[logged.Index] = (RegistryMachine.Apply(State, logged.Index, entry), entry);
            _states.Remove(logged.Index - StatesMax);
            Index = logged.Index;
            return finding;
        }
    }

    /// <summary>What is wrong with an answer, or null. The entry that it speaks of was taken.</summary>
    /// <param name="answeredBefore">The last entry of which anybody was answered before the command was called.</param>
    public string? Judge(Command command, Outcome outcome, long index, long answeredBefore)
    {
        lock (_gate)
        {
            var what = $"{command} was answered {outcome} at entry {index}";
            if (_found.TryGetValue((command.Actor, command.CommandId), out var found))
            {
                return !outcome.IsOk ? $"{what}, and was carried out in entry {found.Index}"
                    : found.Outcome != outcome ? $"{what}, and stands in entry {found.Index} as {found.Outcome}"
                    : found.Index > index ? $"{what}, before it was carried out in entry {found.Index}"
                    : found.Index <= answeredBefore ? $"{what}, and stands in entry {found.Index}, though entry {answeredBefore} was answered before it was called"
                    : null;
            }

            return index < answeredBefore ? $"{what}, though entry {answeredBefore} was answered before it was called"
                : !_states.ContainsKey(answeredBefore) ? $"{what}, which is too long ago: the log is at entry {Index}"
                : StatesFrom(answeredBefore, index).Any(state => Says(state, command, outcome)) ? null
                : $"{what}, and neither stands in the log nor follows from any state since entry {answeredBefore}, the last that was answered before";
        }
    }

    /// <summary>Null: it is too long ago.</summary>
    public string? HashAt(long index)
    {
        RegistryState state;
        lock (_gate)
        {
            if (!_states.TryGetValue(index, out var kept))
            {
                return null;
            }

            state = kept.State;
        }

        return Convert.ToHexString(RegistrySnapshot.StateHash(state));
    }

    private static bool Says(RegistryState state, Command command, Outcome outcome)
    {
        var decision = RegistryMachine.Decide(state, command, Limits);
        return decision.Record is null && decision.Outcome == outcome;
    }

    /// <summary>Those that a command can have met that was called when an entry had been answered: that entry's, and those after each later record.</summary>
    private IEnumerable<RegistryState> StatesFrom(long answered, long last)
    {
        for (var index = last; index > answered; index--)
        {
            var state = _states[index - 1].State;
            foreach (var after in _states[index].Entry!.Records.Select(record => state = RegistryMachine.Apply(state, index, record)).Reverse())
            {
                yield return after;
            }
        }

        yield return _states[answered].State;
    }
}
