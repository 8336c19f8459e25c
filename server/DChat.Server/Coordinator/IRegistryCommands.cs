using DChat.Core.Registry;

namespace DChat.Server.Coordinator;

/// <summary>Where commands go, whoever leads.</summary>
public interface IRegistryCommands
{
    /// <summary>
    /// Has a command decided and answers when its outcome, and everything that it was decided upon, is committed.
    /// Where nobody leads, the queue is full, the log is away or the leadership is lost meanwhile, the outcome is <c>unavailable</c>: it may have been
    /// carried out all the same, so repeat it with the same command id.
    /// </summary>
    /// <param name="cancellation">Gives up waiting; a command that is decided already is carried out all the same.</param>
    Task<CommandResult> SubmitAsync(Command command, CancellationToken cancellation);
}

/// <param name="Index">The log entry up to which a replica must have applied to show what the outcome speaks of.</param>
public sealed record CommandResult(long Index, Outcome Outcome);
