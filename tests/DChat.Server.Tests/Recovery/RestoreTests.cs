using System.Security.Cryptography;
using DChat.Server.Cli;
using DChat.TestKit;

namespace DChat.Server.Tests.Recovery;

/// <summary><c>dchat-server restore</c> from snapshots, as an operator meets it.</summary>
public sealed class RestoreTests(LostCluster lost) : IClassFixture<LostCluster>
{
    [Fact]
    public async Task A_lost_log_is_begun_anew_from_the_snapshots_beside_it()
    {
        using var cluster = lost.Copy();
        LoseLog(cluster.Data);
        var (code, output, error) = await ClusterToLose.RestoreAsync("--data", cluster.Data, "--from", $"file:{cluster.Data}/blobs", "--yes");
        Assert.True(code == CommandLine.Success, output + error);
        Assert.Contains($"{cluster.Index} ", output, StringComparison.Ordinal);
        Assert.Contains("good, chosen", output, StringComparison.Ordinal);
        Assert.Contains("1 room, ", output, StringComparison.Ordinal);
        Assert.Contains("all sessions end", output, StringComparison.Ordinal);

        await using var server = await cluster.StartAsync();
        await cluster.CheckAsync(server);
        Assert.Contains("restore", await server.Admin.GetStringAsync("/api/admin/audit?limit=10"), StringComparison.Ordinal);
        await ClusterToLose.SnapshotOfAllAsync(server); // It is kept as any other.
    }

    [Fact]
    public async Task A_new_cluster_is_made_elsewhere_with_the_files_of_its_rooms()
    {
        using var cluster = lost.Copy();
        Directory.CreateDirectory(cluster["new"]);
        File.Copy(cluster.SecretFile, Path.Combine(cluster["new"], "cluster-secret"));
        File.Copy(Path.Combine(cluster.Data, "messages.db"), Path.Combine(cluster["new"], "messages.db"));
        await RestoredAsync("--data", cluster["new"], "--from", $"file:{cluster.Data}/blobs", "--yes");
        Assert.Empty(Directory.GetFiles(Path.Combine(cluster["new"], "blobs")));

        await using var server = await cluster.StartAsync(cluster["new"]);
        await cluster.CheckAsync(server);
    }

    [Fact]
    public async Task Without_the_messages_rooms_are_there_and_empty_and_that_is_said()
    {
        using var cluster = lost.Copy();
        var output = await RestoredAsync("--data", cluster["new"], "--from", $"file:{cluster.Data}/blobs", "--cluster-secret-file", cluster.SecretFile, "--yes");
        Assert.Contains("1 room begin WITHOUT THEIR MESSAGES", output, StringComparison.Ordinal);

        await using var server = await cluster.StartAsync(cluster["new"], options => options with { ClusterSecretFile = cluster.SecretFile });
        await cluster.CheckAsync(server, withMessages: false);
    }

    [Fact]
    public async Task A_dry_run_says_all_that_and_changes_nothing()
    {
        using var cluster = lost.Copy();
        LoseLog(cluster.Data);
        var before = Everything(cluster.Data);
        var (code, output, error) = await ClusterToLose.RestoreAsync("--data", cluster.Data, "--from", $"file:{cluster.Data}/blobs", "--dry-run");
        Assert.True(code == CommandLine.Success, output + error);
        Assert.Contains("It would restore into", output, StringComparison.Ordinal);
        Assert.Contains("Nothing was changed.", output, StringComparison.Ordinal);
        Assert.Equal(before, Everything(cluster.Data));

        (code, output, error) = await ClusterToLose.RestoreAsync("--data", cluster["new"], "--from", $"file:{cluster.Data}/blobs", "--cluster-secret-file", cluster.SecretFile, "--dry-run");
        Assert.True(code == CommandLine.Success, output + error);
        Assert.False(Directory.Exists(cluster["new"]));
    }

    [Fact]
    public async Task It_goes_back_to_the_moment_asked_for_and_passes_damaged_snapshots_over()
    {
        using var cluster = lost.Copy();
        var snapshots = Directory.GetFiles(Path.Combine(cluster.Data, "blobs", "snapshots")).Order().ToList();
        Assert.True(snapshots.Count >= 3);
        var bytes = await File.ReadAllBytesAsync(snapshots[^2]);
        bytes[^20] ^= 1;
        await File.WriteAllBytesAsync(snapshots[^2], bytes);
        LoseLog(cluster.Data);
        string[] flags = ["--data", cluster.Data, "--from", $"file:{cluster.Data}/blobs", "--dry-run"];
        var (_, output, _) = await ClusterToLose.RestoreAsync([.. flags, "--at", $"{cluster.Index - 1}"]);
        Assert.Matches(@"damaged: .*\n.*good, chosen", output);

        var (code, _, error) = await ClusterToLose.RestoreAsync([.. flags, "--at", "2020-01-01"]);
        Assert.Equal(CommandLine.Failure, code);
        Assert.Contains("No good snapshot is that old", error, StringComparison.Ordinal);

        (code, _, error) = await ClusterToLose.RestoreAsync([.. flags, "--at", "yesterday"]);
        Assert.Equal(CommandLine.BadConfiguration, code);
        Assert.Contains("a time such as", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_one_in_place_has_undone_is_there_for_another_when_the_cluster_has_gone_on_and_thinned_its_snapshots_out()
    {
        using var cluster = lost.Copy();
        string[] Snapshots() => [.. Directory.GetFiles(Path.Combine(cluster.Data, "blobs", "snapshots")).Order(StringComparer.Ordinal)];
        string[] restore = ["--data", cluster.Data, "--from", $"file:{cluster.Data}/blobs", "--yes"];
        var before = Snapshots();
        Assert.Equal(3, before.Length);
        LoseLog(cluster.Data);
        await RestoredAsync([.. restore, "--at", $"{cluster.Index - 1}"]);
        const int Kept = 2;
        await using (var server = await cluster.StartAsync(configure: options => options with { SnapshotsKept = Kept, SnapshotDays = 0 }))
        {
            for (var i = 0; i < 2 * Kept; i++)
            {
                await server.RegisterAsync();
                await ClusterToLose.SnapshotOfAllAsync(server);
            }

            await Eventually.Holds(() => !File.Exists(before[0]));
        }

        var restored = Assert.Single(Snapshots(), path => path.Contains("-0000000000000000000-", StringComparison.Ordinal));
        Assert.Equal(before[1..].Append(restored), Snapshots()[..3]);
        LoseLog(cluster.Data);
        var output = await RestoredAsync([.. restore, "--at", $"{cluster.Index}"]);

        Assert.Contains($"index {cluster.Index},", output, StringComparison.Ordinal);
        await using var again = await cluster.StartAsync();
        await cluster.CheckAsync(again);
    }

    [Fact]
    public async Task Another_secret_opens_nothing_and_is_named_as_the_reason()
    {
        using var cluster = lost.Copy();
        var other = Path.Combine(cluster["other"], "cluster-secret");
        DChat.Storage.Files.PrivateFile.Create(other, System.Text.Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))));
        var (code, output, error) = await ClusterToLose.RestoreAsync("--data", cluster["other"], "--from", $"file:{cluster.Data}/blobs", "--yes");
        Assert.Equal(CommandLine.Failure, code);
        Assert.Contains("sealed by another cluster secret", output, StringComparison.Ordinal);
        Assert.Contains("--cluster-secret-file", error, StringComparison.Ordinal);

        (code, _, error) = await ClusterToLose.RestoreAsync("--data", cluster["none"], "--from", $"file:{cluster.Data}/blobs", "--yes");
        Assert.Equal(CommandLine.BadConfiguration, code);
        Assert.Contains("--cluster-secret-file", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("log", "it holds a registry")]
    [InlineData("store", "it is another cluster's message store")]
    [InlineData("snapshots", "it holds snapshots")]
    [InlineData("files", "it holds files")]
    public async Task Nothing_is_overwritten(string what, string refusal)
    {
        using var cluster = lost.Copy();
        using var other = what == "store" ? await ClusterToLose.MakeAsync() : lost.Copy();
        string[] flags = what switch
        {
            "log" => ["--log", $"sqlite:{other.Data}/control.db"],
            "store" => ["--store", $"sqlite:{other.Data}/messages.db"],
            _ => ["--blobs", $"file:{other.Data}/blobs"],
        };
        if (what == "files")
        {
            Directory.Delete(Path.Combine(other.Data, "blobs", "snapshots"), recursive: true);
        }

        var before = Everything(other.Data);
        var (code, _, error) = await ClusterToLose.RestoreAsync(["--data", cluster["new"], "--from", $"file:{cluster.Data}/blobs", "--cluster-secret-file", cluster.SecretFile, "--yes", .. flags]);
        Assert.Equal(CommandLine.BadConfiguration, code);
        Assert.Contains(refusal, error, StringComparison.Ordinal);
        Assert.Contains("remedy: ", error, StringComparison.Ordinal);
        Assert.Equal(before, Everything(other.Data));
        Assert.False(Directory.Exists(cluster["new"]));
    }

    [Fact]
    public async Task What_runs_is_left_alone()
    {
        using var cluster = lost.Copy();
        await using var server = await ServerProcess.StartAsync(data: cluster.Data);
        string[] restore = ["--from", $"file:{cluster.Data}/blobs", "--cluster-secret-file", cluster.SecretFile, "--yes"];
        var (code, _, error) = await ClusterToLose.RestoreAsync([.. restore, "--data", cluster.Data]);
        Assert.Equal(CommandLine.BadConfiguration, code);
        Assert.Contains("another dchat-server uses this folder", error, StringComparison.Ordinal);

        (code, _, error) = await ClusterToLose.RestoreAsync([.. restore, "--data", cluster["new"], "--log", $"sqlite:{cluster.Data}/control.db"]);
        Assert.Equal(CommandLine.BadConfiguration, code);
        Assert.Contains("in use by another process", error, StringComparison.Ordinal);

        (code, _, error) = await ClusterToLose.RestoreAsync([.. restore, "--data", cluster["new"], "--store", $"sqlite:{cluster.Data}/messages.db"]);
        Assert.Equal(CommandLine.BadConfiguration, code);
        Assert.Contains("in use by another process", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task In_place_it_asks_whoever_led_last_whether_that_is_gone()
    {
        using var cluster = lost.Copy();
        string[] restore = ["--data", cluster["new"], "--blobs", $"file:{cluster.Data}/blobs", "--from", $"file:{cluster.Data}/blobs", "--cluster-secret-file", cluster.SecretFile];
        await using (var server = await ServerProcess.StartAsync(data: cluster.Data))
        {
            var note = Path.Combine(cluster.Data, "blobs", "leader");
            await Eventually.Holds(() => File.Exists(note) && File.ReadAllText(note).Trim() == server.Node.Authority);
            foreach (var way in new[] { "--dry-run", "--yes" })
            {
                var (code, output, error) = await ClusterToLose.RestoreAsync([.. restore, way]);
                Assert.True(code == CommandLine.BadConfiguration, output + error);
                Assert.Contains("still runs", error, StringComparison.Ordinal);
                Assert.Contains(server.Node.Authority, error, StringComparison.Ordinal);
            }

            await server.KillAsync();
        }

        // One that is there and not understood, as where it speaks TLS, is no proof that it is gone.
        var place = Path.Combine(cluster.Data, "blobs", "leader");
        var led = await File.ReadAllTextAsync(place);
        using (var port = new ResettingPort())
        {
            await File.WriteAllTextAsync(place, $"127.0.0.1:{port.Port}\n");
            var (code, output, error) = await ClusterToLose.RestoreAsync([.. restore, "--dry-run"]);
            Assert.True(code == CommandLine.BadConfiguration, output + error);
            Assert.Contains("somebody answers", error, StringComparison.Ordinal);
        }

        await File.WriteAllTextAsync(place, led);
        Assert.Contains("is taken for gone", await RestoredAsync([.. restore, "--yes"]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_terminal_to_ask_at_it_wants_to_be_told()
    {
        using var cluster = lost.Copy();
        var (code, _, error) = await ClusterToLose.RestoreAsync("--data", cluster["new"], "--from", $"file:{cluster.Data}/blobs", "--cluster-secret-file", cluster.SecretFile);
        Assert.Equal(CommandLine.BadConfiguration, code);
        Assert.Contains("give --yes", error, StringComparison.Ordinal);
    }

    private static async Task<string> RestoredAsync(params string[] flags)
    {
        var (code, output, error) = await ClusterToLose.RestoreAsync(flags);
        Assert.True(code == CommandLine.Success, output + error);
        return output;
    }

    private static void LoseLog(string data)
    {
        foreach (var file in Directory.GetFiles(data, "control.db*"))
        {
            File.Delete(file);
        }
    }

    /// <summary>Every file and what is in it.</summary>
    private static List<string> Everything(string folder) =>
        [.. Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(file => $"{file} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))}")];
}
