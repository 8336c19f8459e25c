using DChat.Core.Registry;
using DChat.Protocol;
using DChat.Server.Coordinator;
using DChat.Server.Security;

namespace DChat.Server.Http;

/// <summary>Carries commands of the HTTP API to the registry, and goes on when this worker has seen what came of them.</summary>
internal sealed class RegistryWrites(IRegistryCommands commands, RegistryReplica replica, TimeProvider time)
{
    private const int CommandIdBytes = 12;

    /// <summary>How long the replica may take to catch up with a committed command.</summary>
    private static readonly TimeSpan CatchUp = TimeSpan.FromSeconds(2);

    public RegistryState State => replica.State;

    public long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    public static string NewCommandId() => RandomText.Hex(CommandIdBytes);

    /// <returns>The index and result of the committed command.</returns>
    /// <exception cref="ApiException">It was refused.</exception>
    public async Task<CommandResult> CommitAsync(Command command, CancellationToken cancellation)
    {
        var result = await commands.SubmitAsync(command, cancellation);
        if (!result.Outcome.IsOk)
        {
            throw new ApiException(result.Outcome.Error!, Sentence(result.Outcome.Text));
        }

        return await replica.WaitForAsync(result.Index, CatchUp, cancellation)
            ? result
            : throw new ApiException(ErrorCodes.Unavailable, "It is done, but this worker has not heard of it yet; look again.");
    }

    /// <summary>Waits until this worker knows what the leader told of entry <paramref name="index"/>; no longer than is usual.</summary>
    public Task CatchUpAsync(long index, CancellationToken cancellation) => replica.WaitForAsync(index, CatchUp, cancellation);

    internal static string Sentence(string text) => text.Length == 0 ? "It was refused." : char.ToUpperInvariant(text[0]) + text[1..] + ".";
}
