using DChat.Core.Blobs;
using DChat.Core.ControlLog;
using DChat.Core.Messages;
using DChat.Server.Cli;
using DChat.Server.Cli.Recovery;
using DChat.Server.Coordinator;
using DChat.Storage.Files;
using DChat.TestKit;

namespace DChat.Server.Tests.Recovery;

/// <summary>What disks do to backup and restore is said in one line with what to do.</summary>
public sealed class RecoveryFailureTests(LostCluster lost) : IClassFixture<LostCluster>
{
    [Fact]
    public async Task A_disk_that_is_full_asks_for_room()
    {
        var full = Assert.ThrowsAny<IOException>(() => File.WriteAllText("/dev/full", "something"));
        foreach (var error in (Exception[])[full, new BlobStoreUnavailableException("The folder cannot be used: " + full.Message, full)])
        {
            var said = await SaidAsync(error);
            Assert.StartsWith("dchat-server: ", said, StringComparison.Ordinal);
            Assert.Contains(error.Message, said, StringComparison.Ordinal);
            Assert.Contains("Remedy: make room", said, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_disk_that_is_broken_and_a_folder_that_may_not_be_read_are_no_mistakes_of_the_program()
    {
        Assert.Contains("Input/output error. Remedy: see that the disk", await SaidAsync(new IOException("Input/output error.")), StringComparison.Ordinal);
        Assert.Contains("denied. Remedy: run this as the user", await SaidAsync(new UnauthorizedAccessException("denied.")), StringComparison.Ordinal);
        Assert.Equal("dchat-server: away", await SaidAsync(new MessageStoreUnavailableException("away", new TimeoutException())));
        Assert.Equal("dchat-server: away", await SaidAsync(new SnapshotsAwayException("away", new TimeoutException())));
        Assert.Contains("truncated", await SaidAsync(new EntryTruncatedException(3, 9)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_ends_a_backup_without_a_trace_of_the_program()
    {
        using var cluster = lost.Copy();
        var blobs = Path.Combine(cluster.Data, "blobs", "files", cluster.Room);
        Directory.CreateDirectory(Path.Combine(blobs, "broken"));
        File.CreateSymbolicLink(Path.Combine(blobs, "broken", "content"), "/proc/self/mem"); // It opens, and reading it fails.
        var (code, _, error) = await ServerProcess.RunAsync(["backup", "--data", cluster.Data, "--to", $"file:{cluster["backups"]}"]);
        Assert.Equal(CommandLine.Failure, code);
        Assert.Contains("dchat-server: ", error, StringComparison.Ordinal);
        Assert.Contains("Remedy: ", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(cluster["backups"], "*", SearchOption.AllDirectories));
    }

    private static async Task<string> SaidAsync(Exception error)
    {
        var said = new StringWriter();
        var code = await RecoveryVerb.RunAsync((_, _, _) => throw error, said);
        Assert.Equal(CommandLine.Failure, code);
        return Assert.Single(said.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries)).TrimEnd();
    }
}
