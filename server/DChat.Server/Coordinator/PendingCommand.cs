using DChat.Core.Registry;
using DChat.Core.Rooms;

namespace DChat.Server.Coordinator;

/// <summary>A command that waits for its answer.</summary>
internal sealed class PendingCommand(Command command, CancellationToken givenUp)
{
    private static readonly Outcome NotNow = Outcome.Refused(RefusalCodes.Unavailable, "the registry cannot be changed at the moment; try again");

    // The continuations are the callers' work and must not run on the pipeline.
    private readonly TaskCompletionSource<CommandResult> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private volatile bool _givenUp;

    public Command Command => command;

    /// <summary>Nobody waits for the answer any more.</summary>
    public bool IsGivenUp => _givenUp || givenUp.IsCancellationRequested;

    public Task<CommandResult> Answer => _answer.Task;

    public static CommandResult Unavailable(long index) => new(index, NotNow);

    public void GiveUp() => _givenUp = true;

    public void Complete(CommandResult result) => _answer.TrySetResult(result);
}
