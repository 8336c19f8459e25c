namespace DChat.Core.Registry;

/// <summary>
/// The registry's state machine: what a command makes of the state, and the state that an event makes. Both are pure functions,
/// so every replica that applies the same entries holds the same registry.
/// </summary>
public static partial class RegistryMachine
{
    /// <summary>What becomes of a command in a state. It never throws for what a command says; it refuses.</summary>
    public static Decision Decide(RegistryState state, Command command, RegistryLimits limits)
    {
        if (state.FindOutcome(command.Actor, command.CommandId, command.At) is { } first)
        {
            return new Decision([], first, null, Repeat: true);
        }

        var ruling = new Ruling(state, command, limits).Rule(command);
        if (!ruling.Outcome.IsOk || ruling.Events.Count == 0)
        {
            return new Decision([], ruling.Outcome, null, Repeat: false);
        }

        var record = new RegistryRecord(command.CommandId, command.Actor, command.At, ruling.Events, ruling.Outcome);
        return new Decision(ruling.Events, ruling.Outcome, record, Repeat: false);
    }

    /// <summary>The state after the next entry.</summary>
    /// <param name="index">The state's index + 1, else <see cref="ArgumentException"/>: an entry is applied once and in order.</param>
    public static RegistryState Apply(RegistryState state, long index, RegistryEntry entry)
    {
        if (index != state.Index + 1)
        {
            throw new ArgumentException($"entry {index} does not follow entry {state.Index}", nameof(index));
        }

        if (entry.Version > RegistryEntryCodec.Version)
        {
            throw new UnknownRegistryEventException($"log entry {index} has format {entry.Version}, and this program knows formats up to {RegistryEntryCodec.Version}");
        }

        var draft = new RegistryDraft(state, index);
        foreach (var record in entry.Records)
        {
            draft.Apply(record);
        }

        return draft.ToState();
    }

    /// <summary>
    /// The state after one record of entry <paramref name="index"/>: for the leader, which decides each command on the state that
    /// those before it in the same entry leave. Applying the records one by one, or the entry whole, comes to the same.
    /// </summary>
    /// <param name="index">The state's index (the record continues that entry) or its index + 1 (it begins the next).</param>
    public static RegistryState Apply(RegistryState state, long index, RegistryRecord record)
    {
        if (index != state.Index && index != state.Index + 1)
        {
            throw new ArgumentException($"entry {index} does not follow entry {state.Index}", nameof(index));
        }

        var draft = new RegistryDraft(state, index);
        draft.Apply(record);
        return draft.ToState();
    }

    /// <summary>
    /// The registry with which a cluster begins anew: epochs lifted, no room assigned, no worker, no token-protection key, every session ended,
    /// and a line in the audit trail. Named tokens of bots stay.
    /// </summary>
    /// <exception cref="ArgumentException">Index or epoch are not above those of the state.</exception>
    public static RegistryState Restore(RegistryState state, RegistryRestoration restoration)
    {
        if (restoration.Index <= state.Index || restoration.Epoch <= state.LastEpoch)
        {
            throw new ArgumentException("a restore lifts the index and the epoch", nameof(restoration));
        }

        var draft = new RegistryDraft(state, restoration.Index);
        draft.Restore(restoration);
        return draft.ToState();
    }
}
