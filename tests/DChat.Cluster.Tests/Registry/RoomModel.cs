using DChat.Cluster.Tests.Linearizability;
using DChat.Core.Registry;

namespace DChat.Cluster.Tests.Registry;

/// <summary>One room of the registry, with the registry's own rules: what they say when commands come one at a time is right by definition.</summary>
/// <param name="start">The accounts, and no room.</param>
internal sealed class RoomModel(RegistryState start, string room) : ISequentialModel<RegistryState, RoomCall>
{
    public RegistryState Start => start;

    public (RegistryState After, string Output) Step(RegistryState state, RoomCall input)
    {
        if (input.Command is null)
        {
            return (state, RoomText.Read(state, room));
        }

        // A repeat is the same call, told as one: nothing is recognized by its id here.
        var decision = RegistryMachine.Decide(state, input.Command with { CommandId = "" }, RegistryLimits.None);
        return (decision.Record is { } record ? RegistryMachine.Apply(state, state.Index + 1, record) : state, RoomText.Answer(decision.Outcome));
    }

    public string KeyOf(RegistryState state) => RoomText.All(state, room);
}
