using DChat.Protocol;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Disk;

/// <summary>G1 when the disk is full, read-only or broken: what cannot be kept is refused, what was acknowledged stays, and it recovers by itself.</summary>
public sealed class DiskTests
{
    private static readonly string[] Flags = ServerProcess.WithoutRateLimits;

    /// <summary>An operator is told once that the search index cannot follow.</summary>
    private const string SearchIndexAway = "The search index .* cannot follow the messages";

    [Fact]
    public async Task G1_a_full_disk_refuses_sends_loses_nothing_and_recovers_when_there_is_room()
    {
        await using var disk = await SmallDisk.MountAsync(mebibytes: 24);
        await using var server = await ServerProcess.StartAsync(Flags, disk.Data);
        server.Log.ExpectErrors(SearchIndexAway);
        await using var talk = await Conversation.BeginAsync(server);
        await talk.SendAsync(50);

        disk.Fill();
        await Eventually.Holds(async () => !await talk.TrySendAsync());
        Assert.False(await talk.TrySendAsync());
        await talk.CheckAsync();
        var refused = await talk.Sender.FailAsync("createRoom", new { name = "while full", visibility = "public" });
        Assert.Equal(ErrorCodes.Unavailable, refused.Code);

        disk.MakeRoom();
        await Eventually.Holds(talk.TrySendAsync);
        await talk.SendAsync(50);
        await talk.Sender.CallAsync("createRoom", new { name = "while there is room", visibility = "public" });
        await talk.CheckAsync();

        // And once more, with a death in the middle.
        disk.Fill();
        await Eventually.Holds(async () => !await talk.TrySendAsync());
        await server.KillAsync();
        disk.MakeRoom();
        await server.RestartAsync();
        await talk.ReconnectAsync(server);
        await talk.SendAsync(10);
        await talk.CheckAsync();
    }

    // No file system turns read-only, or breaks, under a running program on demand: strace makes the system calls fail as they would.
    /// <summary>What which calls fail with.</summary>
    public static TheoryData<string, string> Refusals => LongTests.Pick<TheoryData<string, string>>(
        new() { { "EROFS", "pwrite64,write,ftruncate,fallocate,fdatasync,fsync" }, { "EIO", "fdatasync,fsync" } },
        new() { { "EROFS", "pwrite64,write,ftruncate,fallocate,fdatasync,fsync" }, { "EIO", "fdatasync,fsync" }, { "EIO", "pwrite64" } });

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task G1_a_disk_that_refuses_writes_refuses_sends_loses_nothing_and_recovers(string error, string calls)
    {
        await using var server = await ServerProcess.StartAsync(Flags);
        server.Log.ExpectErrors(SearchIndexAway);
        await using var talk = await Conversation.BeginAsync(server);
        await talk.SendAsync(20);
        var paths = Directory.GetFiles(server.Data, "*.db*").Select(path => "--trace-path=" + path);
        await using (await Strace.AttachAsync(server.ProcessId, ["--trace=" + calls, $"--inject={calls}:error={error}", .. paths]))
        {
            await Eventually.Holds(async () => !await talk.TrySendAsync());
            Assert.False(await talk.TrySendAsync());
            await talk.CheckAsync();
        }

        await Eventually.Holds(talk.TrySendAsync);
        await talk.SendAsync(20);
        await talk.CheckAsync();
        await server.KillAsync();
        await server.RestartAsync();
        await talk.ReconnectAsync(server);
        await talk.CheckAsync();
    }

    [Fact]
    public async Task A_read_only_data_folder_refuses_the_start_with_the_remedy_and_keeps_everything()
    {
        await using var disk = await SmallDisk.MountAsync(mebibytes: 24);
        await using var server = await ServerProcess.StartAsync(Flags, disk.Data);
        await using var talk = await Conversation.BeginAsync(server);
        await talk.SendAsync(20);
        await server.KillAsync();

        await disk.RemountAsync(readOnly: true);
        var (code, _, said) = await ServerProcess.RunAsync(["--data", disk.Data, "--port", "0"]);
        Assert.Equal(2, code);
        Assert.Contains("--data " + disk.Data, said);
        Assert.Contains("can not be written", said);

        await disk.RemountAsync(readOnly: false);
        await server.RestartAsync();
        await talk.ReconnectAsync(server);
        await talk.SendAsync(1);
        await talk.CheckAsync();
    }
}
