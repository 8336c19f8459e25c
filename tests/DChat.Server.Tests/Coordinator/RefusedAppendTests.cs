using System.Globalization;
using DChat.Core.Rooms;
using DChat.Server.Coordinator;
using DChat.Storage.Files;
using DChat.Storage.Sqlite.ControlLog;
using DChat.TestKit;

namespace DChat.Server.Tests.Coordinator;

/// <summary>A log that does not take what the leader is to append, and says so.</summary>
public sealed class RefusedAppendTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly LogBook _book = new();

    public void Dispose()
    {
        _book.AssertClean();
        _folder.Dispose();
    }

    [Fact]
    public async Task The_leader_resigns_says_why_and_campaigns_later_each_time()
    {
        _book.ExpectErrors("2049 .* the log refuses what it is to hold; .*: too large");
        var (refuses, made) = (false, 0);
        var log = new FaultyControlLog(SqliteControlLog.Open(_folder["control.db"])) { NextFault = () => Volatile.Read(ref refuses) ? AppendFault.Refused : AppendFault.None };
        await using var node = await new CoordinatorNode(
            log,
            FileBlobStore.OpenFolder(_folder["blobs"]),
            ClusterSecret.LoadOrCreate(_folder["secret"], mayCreate: true),
            new CoordinatorOptions { ScratchFolder = _folder["scratch"], AdminPasswordPath = _folder["password"], SnapshotInterval = TimeSpan.Zero, CommandTimeout = Eventually.DefaultLimit },
            _book).StartAsync();
        var term = node.Service.Term;
        Volatile.Write(ref refuses, true);

        Assert.Equal(RefusalCodes.Unavailable, await MakeAsync());

        await Eventually.Holds(async () => await MakeAsync() is RefusalCodes.Unavailable && Said("for 1 s") && Said("for 2 s"));
        Assert.True(node.Service.Term > term);
        Volatile.Write(ref refuses, false);
        await Eventually.Holds(async () => await MakeAsync() is null);

        async Task<string?> MakeAsync() => (await node.SubmitAsync(RegistryBench.Account(string.Create(CultureInfo.InvariantCulture, $"user{made++}")))).Outcome.Error;

        bool Said(string what) => _book.Lines.Any(line => line.Contains(what, StringComparison.Ordinal));
    }
}
