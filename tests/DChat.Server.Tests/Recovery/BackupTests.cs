using System.Security.Cryptography;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Tests.Contract;
using DChat.TestKit;

namespace DChat.Server.Tests.Recovery;

/// <summary><c>dchat-server backup</c>, and <c>restore</c> of what it made, as an operator meets them.</summary>
public sealed class BackupTests(LostCluster lost) : IClassFixture<LostCluster>
{
    [Fact]
    public async Task A_backup_of_a_server_that_runs_is_put_back_elsewhere()
    {
        using var cluster = lost.Copy();
        await using (var server = await cluster.StartAsync())
        {
            await using var bob = await server.PersonAsync();
            var room = await bob.MakeRoomAsync();
            using var done = new CancellationTokenSource();
            var chatting = ChatAsync(bob, room, done.Token);
            var (made, output, said) = await ServerProcess.RunAsync(["backup", "--data", cluster.Data, "--to", $"file:{cluster["backups"]}"]);
            await done.CancelAsync();
            Assert.True(made == CommandLine.Success, output + said);
            Assert.Contains("2 blobs of files", output, StringComparison.Ordinal);
            Assert.True(await chatting > 0);
            Assert.Empty(Directory.GetFiles(Path.Combine(cluster.Data, "blobs", "holds")));
        }

        var backup = await File.ReadAllBytesAsync(Assert.Single(Directory.GetFiles(cluster["backups"], "*.backup", SearchOption.AllDirectories)));
        Assert.True(Trace.IsIn(Trace.Unsealed(backup, ClusterSecret.LoadOrCreate(cluster.SecretFile, mayCreate: false)), ClusterToLose.FileContent), "without the seal it would be found");
        Assert.False(Trace.IsIn(backup, ClusterToLose.FileContent));
        Directory.CreateDirectory(cluster["new"]);
        File.Copy(cluster.SecretFile, Path.Combine(cluster["new"], "cluster-secret"));
        var (code, text, error) = await ClusterToLose.RestoreAsync("--data", cluster["new"], "--from", $"file:{cluster["backups"]}", "--yes");
        Assert.True(code == CommandLine.Success, text + error);
        Assert.Contains("good, chosen", text, StringComparison.Ordinal);
        await using var restored = await cluster.StartAsync(cluster["new"]);
        await cluster.CheckAsync(restored);
    }

    [Fact]
    public async Task Verify_reads_it_through_and_says_what_is_wrong()
    {
        using var cluster = lost.Copy();
        string[] verify = ["backup", "verify", $"file:{cluster["backups"]}", "--data", cluster.Data];
        var (code, output, error) = await ServerProcess.RunAsync(["backup", "--data", cluster.Data, "--to", $"file:{cluster["backups"]}"]);
        Assert.True(code == CommandLine.Success, output + error);
        (code, output, error) = await ServerProcess.RunAsync(verify);
        Assert.True(code == CommandLine.Success, output + error);
        Assert.Contains("hash ", output, StringComparison.Ordinal);

        var file = Assert.Single(Directory.GetFiles(cluster["backups"], "*.backup", SearchOption.AllDirectories));
        var bytes = await File.ReadAllBytesAsync(file);
        await File.WriteAllBytesAsync(file, bytes[..^100]);
        (code, output, _) = await ServerProcess.RunAsync(verify);
        Assert.Equal(CommandLine.Failure, code);
        Assert.Contains("damaged: it is cut off", output, StringComparison.Ordinal);
        (code, output, _) = await ClusterToLose.RestoreAsync("--data", cluster["new"], "--cluster-secret-file", cluster.SecretFile, "--from", $"file:{cluster["backups"]}", "--yes");
        Assert.Equal(CommandLine.Failure, code);
        Assert.Contains("damaged: it is cut off", output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(cluster["new"]));

        await File.WriteAllBytesAsync(file, bytes);
        await File.WriteAllTextAsync(cluster.SecretFile, Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        (code, output, error) = await ServerProcess.RunAsync(verify);
        Assert.Equal(CommandLine.Failure, code);
        Assert.Contains("another cluster secret", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("2999-02-01")]
    public async Task Verify_fails_where_the_one_asked_for_is_bad_though_an_older_one_is_good(string? at)
    {
        using var cluster = lost.Copy();
        var (code, output, error) = await ServerProcess.RunAsync(["backup", "--data", cluster.Data, "--to", $"file:{cluster["backups"]}"]);
        Assert.True(code == CommandLine.Success, output + error);
        const string Bad = "backups/2999-01-01T00-00-00Z-00000000.backup";
        await File.WriteAllTextAsync(Path.Combine(cluster["backups"], Bad), "no backup");
        string[] verify = ["backup", "verify", $"file:{cluster["backups"]}", "--data", cluster.Data];
        (code, output, error) = await ServerProcess.RunAsync([.. verify, .. at is null ? [] : new[] { "--at", at }]);
        Assert.Equal(CommandLine.Failure, code);
        Assert.Contains("good, chosen", output, StringComparison.Ordinal);
        Assert.Contains($"'{Bad}', cannot be used", error, StringComparison.Ordinal);

        (code, output, error) = await ServerProcess.RunAsync([.. verify, "--at", "2998-01-01"]); // The good one is asked for.
        Assert.True(code == CommandLine.Success, output + error);
    }

    [Fact]
    public async Task What_cannot_be_backed_up_is_said_with_what_to_do()
    {
        using var cluster = lost.Copy();
        (string[] Flags, int Code, string Said)[] wrong =
        [
            (["--to", $"file:{cluster.Data}/blobs"], CommandLine.BadConfiguration, "a backup beside them is lost with them"),
            (["--to", $"file:{cluster.Data}/blobs/backups"], CommandLine.BadConfiguration, "one lies in the other"),
            (["--to", $"file:{cluster.Data}"], CommandLine.BadConfiguration, "one lies in the other"),
            (["--to", "s3://chat/dchat/backups?region=us-east-1", "--blobs", "s3://chat/dchat?region=us-east-1"], CommandLine.BadConfiguration, "one lies in the other"),
            (["--to", "s3://chat?region=us-east-1", "--blobs", "s3://chat/dchat?region=us-east-1"], CommandLine.BadConfiguration, "one lies in the other"),
            (["--to", "nowhere"], CommandLine.BadConfiguration, "it is not file:PATH"),
            (["--to", $"file:{cluster["backups"]}", "--store", $"sqlite:{cluster["none"]}"], CommandLine.Failure, "no message store"),
            (["--to", $"file:{cluster["backups"]}", "--log", $"sqlite:{cluster["none"]}"], CommandLine.Failure, "no control log"),
            (["--to", $"file:{cluster["backups"]}", "--blobs", $"file:{cluster["none"]}"], CommandLine.BadConfiguration, "there is no such folder"),
            ([], CommandLine.BadConfiguration, "--to"),
        ];
        foreach (var (flags, expected, said) in wrong)
        {
            var (code, _, error) = await ServerProcess.RunAsync(["backup", "--data", cluster.Data, .. flags]);
            Assert.True(code == expected, $"{code}: {error}");
            Assert.Contains(said, error, StringComparison.Ordinal);
        }

        Assert.False(Directory.Exists(Path.Combine(cluster["backups"], "backups")));
    }

    [Fact]
    public async Task Without_the_clusters_own_secret_none_is_made_whether_its_log_was_truncated_or_not()
    {
        using var young = new TemporaryFolder();
        await using (await OwnServer.StartAsync(options => options with { Data = young["data"] }))
        {
            // Its log has never been truncated.
        }

        using var cluster = lost.Copy();
        var another = young["another"];
        File.Copy(Path.Combine(young["data"], "cluster-secret"), another);
        File.Delete(Path.Combine(young["data"], "cluster-secret"));
        File.Copy(cluster.SecretFile, Path.Combine(young["data"], "cluster-secret"));
        foreach (var flags in (string[][])[["--data", young["data"]], ["--data", cluster.Data, "--cluster-secret-file", another]])
        {
            var (code, _, error) = await ServerProcess.RunAsync(["backup", .. flags, "--to", $"file:{cluster["backups"]}"]);
            Assert.Equal(CommandLine.Failure, code);
            Assert.Contains("--cluster-secret-file", error, StringComparison.Ordinal);
            Assert.Empty(Directory.GetFiles(cluster["backups"], "*", SearchOption.AllDirectories));
        }
    }

    [Fact]
    public async Task Where_messages_carry_files_and_none_is_there_it_is_not_kept_unless_that_is_meant()
    {
        using var cluster = lost.Copy();
        Directory.Delete(Path.Combine(cluster.Data, "blobs", "files"), recursive: true);
        string[] backup = ["backup", "--data", cluster.Data, "--to", $"file:{cluster["backups"]}"];
        var (code, _, error) = await ServerProcess.RunAsync(backup);
        Assert.Equal(CommandLine.Failure, code);
        Assert.Contains("Messages in 1 room carry files, and there is not one file in --blobs", error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(cluster["backups"], "*", SearchOption.AllDirectories));

        (code, var output, error) = await ServerProcess.RunAsync([.. backup, "--without-files"]);
        Assert.True(code == CommandLine.Success, output + error);
    }

    private static async Task<int> ChatAsync(Person bob, string room, CancellationToken until)
    {
        var sent = 0;
        for (; !until.IsCancellationRequested; sent++)
        {
            await bob.Hub.SendAsync(room, $"meanwhile {sent}");
        }

        return sent;
    }
}
