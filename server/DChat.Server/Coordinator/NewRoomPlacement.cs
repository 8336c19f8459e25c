using DChat.Core.Placement;
using DChat.Core.Registry;

namespace DChat.Server.Coordinator;

/// <summary>
/// Gives a new room its host, on the state on which the room is decided, so that many at once are spread.
/// The command names the worker on which it was made; the policy says what that counts for.
/// </summary>
internal sealed class NewRoomPlacement(PlacementPolicy policy, Func<DChat.Core.Registry.Worker, WorkerLoad> loadOf, Func<DChat.Core.Registry.Worker, bool> isFit)
{
    private long _placed;

    public Command Place(RegistryState state, Command command) => command switch
    {
        CreateRoom create => create with { Worker = Choose(state, create.Worker) },
        OpenDirect open => open with { Worker = Choose(state, open.Worker) },
        _ => command,
    };

    /// <summary>Empty where no worker is active.</summary>
    private string Choose(RegistryState state, string madeOn)
    {
        var active = state.Workers().Where(worker => worker is { State: WorkerState.Active, Capacity: > 0 }).ToList();
        var fit = active.Where(isFit).ToList();
        return RoomPlacement.Choose(policy, (fit.Count > 0 ? fit : active).ConvertAll(worker => loadOf(worker)), madeOn, _placed++) ?? "";
    }
}
