using System.Security.Cryptography;
using DChat.Core.Registry;
using DChat.Protocol;
using DChat.Server.Coordinator;

namespace DChat.Server.Worker.Calls;

/// <summary>Carries commands to the registry's leader and waits until this worker's replica has seen what came of them.</summary>
internal sealed class RegistryCalls(IRegistryCommands commands, RegistryReplica replica, TimeProvider time)
{
    /// <summary>How long the replica may take to catch up with a committed command.</summary>
    private static readonly TimeSpan CatchUp = TimeSpan.FromSeconds(2);

    public RegistryState State => replica.State;

    /// <summary>The log entry up to which this worker is.</summary>
    public long Index => replica.Index;

    public long Now() => time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>An id that was never used and cannot be guessed: 96 random bits.</summary>
    public static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));

    /// <summary>A command's result, once it is committed and seen here.</summary>
    public async ValueTask<Answer<string>> CommitAsync(Command command, CancellationToken cancellation = default)
    {
        var result = await commands.SubmitAsync(command, cancellation).ConfigureAwait(false);
        if (!result.Outcome.IsOk)
        {
            return new HubError(result.Outcome.Error!, result.Outcome.Text);
        }

        return await replica.WaitForAsync(result.Index, CatchUp, cancellation).ConfigureAwait(false)
            ? result.Outcome.Result
            : new HubError(ErrorCodes.Unavailable, "it is done, but this worker has not heard of it yet; look again");
    }

    public async ValueTask<Answer<Nothing>> CommitQuietlyAsync(Command command) =>
        (await CommitAsync(command).ConfigureAwait(false)).Error is { } error ? error : new Nothing();
}
