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
    /// <summary>What the runtime reports of a disk that is full: ENOSPC, EDQUOT of Linux, ERROR_DISK_FULL.</summary>
    private const int NoSpace = 28;
    private const int NoSpaceOfQuota = 122;
    private const int NoSpaceOfWindows = unchecked((int)0x8007_0070);

    public static async Task<int> RunAsync(Func<ProgressBar, ILoggerFactory, CancellationToken, Task<int>> run, TextWriter? error = null)
    {
        error ??= Console.Error;
        using var interruption = new Interruption();
        using var progress = new ProgressBar(Console.Out, error, !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb", TimeProvider.System);
        using var logs = LoggerFactory.Create(_ => { }); // What matters is said.
        try
        {
            return await run(progress, logs, interruption.Token);
        }
        catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
        {
            progress.Dispose();
            await error.WriteLineAsync("dchat-server: interrupted");
            return CommandLine.Interrupted;
        }
        catch (Exception failure) when (IsExpected(failure))
        {
            progress.Dispose();
            await error.WriteLineAsync($"dchat-server: {Explain(failure)}");
            return CommandLine.Failure;
        }
    }

    /// <summary>One line; where a disk or a right to it is the reason, it says what to do.</summary>
    private static string Explain(Exception error)
    {
        for (var reason = error; reason is not null; reason = reason.InnerException)
        {
            if (reason is UnauthorizedAccessException)
            {
                return $"{error.Message.TrimEnd('.')}. Remedy: run this as the user that the servers run as, or give this user the right to it.";
            }

            if (reason is IOException { HResult: NoSpace or NoSpaceOfQuota or NoSpaceOfWindows })
            {
                return $"{error.Message.TrimEnd('.')}. Remedy: make room there, then give the same command again.";
            }
        }

        return error is IOException ? $"{error.Message.TrimEnd('.')}. Remedy: see that the disk is there and healthy, then give the same command again." : error.Message;
    }

    /// <summary>What is around is not as it must be; the message says what.</summary>
    private static bool IsExpected(Exception error) => error is RestoreRefusedException or StartRefusedException or SnapshotDamagedException or BackupDamagedException
        or UnknownRegistryEventException or IOException or UnauthorizedAccessException
        or ControlLogDamagedException or ControlLogUnavailableException or SnapshotsAwayException or EntryTruncatedException
        or MessageStoreDamagedException or MessageStoreUnavailableException
        or BlobStoreUnavailableException or PostgresSchemaException
        or SqliteInUseException or SqliteSchemaException or SqliteLibraryException;
}
