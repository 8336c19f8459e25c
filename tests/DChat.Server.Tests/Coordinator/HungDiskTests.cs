using System.Diagnostics;
using DChat.Server.Coordinator;
using DChat.Storage.Files;
using DChat.Storage.Sqlite.ControlLog;
using DChat.TestKit;

namespace DChat.Server.Tests.Coordinator;

/// <summary>A leader whose folder hangs, and whose log does not: opening a pipe to which nobody comes takes as long as that lasts.</summary>
public sealed class HungDiskTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly LogBook _book = new();

    private CoordinatorOptions Options => new() { ScratchFolder = _folder["scratch"], AdminPasswordPath = _folder["password"], SnapshotInterval = TimeSpan.Zero, CommandTimeout = Eventually.DefaultLimit };

    public void Dispose()
    {
        _book.AssertClean();
        _folder.Dispose();
    }

    [Fact]
    public async Task One_that_cannot_note_its_term_leads_all_the_same()
    {
        await MakePipeAsync(_folder["term"]);
        await using var node = Node(Options with { TermPath = _folder["term"] });
        await node.StartAsync();

        await node.MakeAccountsAsync("user", 1);

        Assert.Equal($"{node.Service.Term}", await File.ReadAllTextAsync(_folder["term"]).Within()); // The disk answers again.
    }

    [Fact]
    public async Task One_that_waits_for_a_file_when_its_term_begins_ends_that_term_like_any_other()
    {
        await MakePipeAsync(_folder["password"]);
        await using var node = Node(Options with { StartsAsLeader = false });
        await node.StartAsync();
        await Eventually.Holds(() => node.Service.IsLeader);
        var term = node.Service.Term;

        Assert.True(await node.Log.DeposeAsync(term, CancellationToken.None).Within());

        await Eventually.Holds(() => !node.Service.IsLeader);
        await using (var end = new FileStream(_folder["password"], FileMode.Open, FileAccess.Write))
        {
            File.Delete(_folder["password"]);
            await end.WriteAsync("a password\n"u8.ToArray());
        }

        await Eventually.Holds(() => node.Service.IsLeader && node.Service.Term > term && node.Replica.State.AccountCount == 1);
    }

    private CoordinatorNode Node(CoordinatorOptions options) => new(
        SqliteControlLog.Open(_folder["control.db"]), FileBlobStore.OpenFolder(_folder["blobs"]), ClusterSecret.LoadOrCreate(_folder["secret"], mayCreate: true), options, _book);

    private static async Task MakePipeAsync(string path)
    {
        using var made = Process.Start("mkfifo", [path]);
        await made.WaitForExitAsync().Within();
        Assert.Equal(0, made.ExitCode);
    }
}
