using System.Collections.Immutable;
using DChat.Cluster.Tests.Registry;
using DChat.Core.Registry;

namespace DChat.Cluster.Tests.Linearizability;

/// <summary>A registry with a few accounts and no room.</summary>
internal static class RoomWorld
{
    public static readonly ImmutableArray<string> Users = ["ann", "bob", "cas", "dan"];

    private static readonly RegistryState Accounts = Made();

    public static RoomModel Model(string room) => new(Accounts, room);

    private static RegistryState Made()
    {
        var decision = RegistryMachine.Decide(RegistryState.Empty, new CreateAccounts("", "", 0, Users), RegistryLimits.None);
        return RegistryMachine.Apply(RegistryState.Empty, 1, decision.Record!);
    }
}
