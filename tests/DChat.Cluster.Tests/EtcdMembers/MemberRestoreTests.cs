using DChat.TestKit;

namespace DChat.Cluster.Tests.EtcdMembers;

/// <summary>A backup of coordinators that run their own etcd, and a new cluster from it when all of them are lost.</summary>
public sealed class MemberRestoreTests
{
    private static readonly Dictionary<string, string> Administrator = new() { ["DCHAT_ADMIN_PASSWORD"] = MemberCluster.AdminPassword, ["DCHAT_NEW_PASSWORD"] = "the password of ann 1" };

    [Fact]
    public async Task All_machines_are_lost_and_a_backup_makes_the_cluster_again_one_member_after_the_other()
    {
        await using var cluster = await MemberCluster.StartAsync(3);
        var worker = await cluster.StartWorkerAsync();
        await SayAsync(["user", "add", "ann", "--server", worker.Client.ToString()]);
        string[] engines = ["--cluster-secret-file", cluster.SecretFile, "--store", $"sqlite:{cluster["messages.db"]}", "--blobs", $"file:{cluster["blobs"]}"];
        await SayAsync(["backup", "--node", "c1", "--peers", cluster.Peers, "--data", cluster["c1"], .. engines, "--to", $"file:{cluster["backups"]}"]);

        await Task.WhenAll(cluster.Coordinators.Values.Append(worker).Select(process => process.KillAsync()));
        cluster.Coordinators.Clear();
        foreach (var messages in Directory.GetFiles(Path.GetDirectoryName(cluster["messages.db"])!, "messages.db*"))
        {
            File.Delete(messages);
        }

        Directory.Delete(cluster["blobs"], recursive: true);

        // Onto the old one nothing is restored.
        string[] restore = ["restore", "--node", "c1", "--peers", cluster.Peers, .. engines, "--from", $"file:{cluster["backups"]}", "--yes", "--data"];
        var (refused, _, why) = await ServerProcess.RunAsync([.. restore, cluster["c1"]]);
        Assert.True(refused == 2 && why.Contains("a restore overwrites nothing", StringComparison.Ordinal), why);
        var said = await SayAsync([.. restore, cluster["n1"]]);
        foreach (var name in new[] { "c2", "c3" })
        {
            Assert.Contains($"member replace {name}={MemberCluster.Address(cluster.PeerPort(name))}", said, StringComparison.Ordinal);
        }

        cluster.Coordinators["c1"] = await cluster.StartCoordinatorAsync("c1", cluster.Peers, "n1");
        worker = await cluster.StartWorkerAsync();

        // At an address at which nobody comes: nothing waits for it, and it is corrected.
        await SayAsync(["member", "replace", $"c2={MemberCluster.Address(FreePort.Next())}", "--server", worker.Client.ToString()]);
        await SayAsync(["user", "add", "bob", "--server", worker.Client.ToString()]);
        foreach (var (name, folder) in new[] { ("c2", "n2"), ("c3", "n3") })
        {
            await SayAsync(["member", "replace", $"{name}={MemberCluster.Address(cluster.PeerPort(name))}", "--server", worker.Client.ToString()]);
            cluster.Coordinators[name] = await cluster.StartCoordinatorAsync(name, cluster.Peers, folder);
        }

        await cluster.Coordinators["c1"].SaysAsync("etcd member c2 at ");
        await Eventually.Holds(async () => (await ServerProcess.RunAsync(["member", "list", "--server", worker.Client.ToString()], Administrator)).Output.Split(" up").Length == 4);
        Assert.Contains("ann", await SayAsync(["user", "list", "--server", worker.Client.ToString()]), StringComparison.Ordinal);
    }

    private static async Task<string> SayAsync(string[] arguments)
    {
        var (code, output, error) = await ServerProcess.RunAsync(arguments, Administrator);
        Assert.True(code == 0, $"{string.Join(' ', arguments)}: {output}{error}");
        return output;
    }
}
