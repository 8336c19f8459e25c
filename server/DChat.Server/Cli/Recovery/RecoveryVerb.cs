using DChat.Core.Blobs;
using DChat.Core.ControlLog;
using DChat.Core.Messages;
using DChat.Core.Registry;
using DChat.Server.Cli.Administration;
using DChat.Server.Coordinator;
using DChat.Server.Coordinator.Snapshots;
using DChat.Server.Recovery;
using DChat.Server.Recovery.Backups;
using DChat.Storage.Postgres;
using DChat.Storage.Sqlite;

namespace DChat.Server.Cli.Recovery;

/// <summary>What the verbs of backup and restore share: how they are interrupted, how they fail, and how they show what they do.</summary>
internal static class RecoveryVerb
{
    public static async Task<int> RunAsync(Func<ProgressBar, ILoggerFactory, CancellationToken, Task<int>> run)
    {
        using var interruption = new Interruption();
        using var progress = new ProgressBar(Console.Out, Console.Error, !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb", TimeProvider.System);
        using var logs = LoggerFactory.Create(_ => { }); // What matters is said.
        try
        {
            return await run(progress, logs, interruption.Token);
        }
        catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
        {
            progress.Dispose();
            await Console.Error.WriteLineAsync("dchat-server: interrupted");
            return CommandLine.Interrupted;
        }
        catch (Exception error) when (IsExpected(error))
        {
            progress.Dispose();
            await Console.Error.WriteLineAsync($"dchat-server: {error.Message}");
            return CommandLine.Failure;
        }
    }

    /// <summary>What is around is not as it must be; the message says what.</summary>
    private static bool IsExpected(Exception error) => error is RestoreRefusedException or StartRefusedException or SnapshotDamagedException or BackupDamagedException
        or UnknownRegistryEventException
        or ControlLogDamagedException or ControlLogUnavailableException
        or MessageStoreDamagedException or MessageStoreUnavailableException
        or BlobStoreUnavailableException or PostgresSchemaException
        or SqliteInUseException or SqliteSchemaException or SqliteLibraryException;
}
