using DChat.Core.ControlLog;
using DChat.Storage.Etcd;
using DChat.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace DChat.Cluster.Tests.Start;

/// <summary>A server whose control log is in etcd: it starts, goes on with what it had, and says what is wrong where it cannot.</summary>
public sealed class EtcdStartTests
{
    private const int ConfigurationIsWrong = 2;

    [Fact]
    public async Task One_process_keeps_its_registry_in_etcd_and_finds_it_again()
    {
        using var folder = new TemporaryFolder();
        await using var etcd = await EtcdCluster.StartAsync(1);
        await etcd.RequirePasswordsAsync("chat", "of the log", "office");
        string[] flags = ["--log", etcd.Url("office", "?lease=60", user: "chat@"), "--cluster-secret-file", MakeSecret(folder)];
        var environment = new Dictionary<string, string> { ["DCHAT_ETCD_PASSWORD"] = "of the log" };

        await using var server = await ServerProcess.StartAsync(flags, environment: environment);
        using var http = server.CreateHttpClient();
        var crowd = await Crowd.MakeAsync(http, server.AdminPassword, users: 1);
        await using (var probe = await HubProbe.ConnectAsync(server.Client, crowd.Token(0)))
        {
            await probe.CallAsync("send", new { room = crowd.Room, clientId = "1", body = "hello" });
        }

        await server.KillAsync();
        await server.RestartAsync();
        await server.SaysAsync("of the process before this one was ended"); // Its lease was not waited for.
        Assert.False(File.Exists(Path.Combine(server.Data, "control.db")));
        await using var again = await HubProbe.ConnectAsync(server.Client, crowd.Token(0));
        Assert.Equal(2, (long)(await again.CallAsync("send", new { room = crowd.Room, clientId = "2", body = "hello again" }))!["seq"]!);
        Assert.DoesNotContain("of the log", server.Log.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_wrong_is_said_with_flag_value_and_remedy_and_nothing_secret()
    {
        using var folder = new TemporaryFolder();
        var nobody = $"etcd://127.0.0.1:{FreePort.Next()}/office";
        var (code, _, error) = await CheckAsync("--log", nobody, "--cluster-secret-file", MakeSecret(folder));
        Assert.Equal(ConfigurationIsWrong, code);
        Assert.Contains($"waiting for etcd at {nobody}", error, StringComparison.Ordinal);
        Assert.Contains($"--log {nobody}: no member answers", error, StringComparison.Ordinal);

        (code, _, error) = await CheckAsync("--log", nobody);
        Assert.Equal(ConfigurationIsWrong, code);
        Assert.Contains("coordinators that share a log share the cluster secret", error, StringComparison.Ordinal);

        (code, _, error) = await CheckAsync("--log", nobody, "--cluster-secret-file", folder["none"]);
        Assert.Equal(ConfigurationIsWrong, code);
        Assert.Contains("there is no such file", error, StringComparison.Ordinal);

        (code, var output, error) = await CheckAsync("--log", "etcd://chat:open-sesame@h1/office", "--cluster-secret-file", folder["secret"]);
        Assert.Equal(ConfigurationIsWrong, code);
        Assert.Contains("DCHAT_ETCD_PASSWORD", error, StringComparison.Ordinal);
        Assert.DoesNotContain("open-sesame", output + error, StringComparison.Ordinal);
    }

    /// <summary>All coordinators may have been stopped when it was full, and none of them, had it refused to start, would have ended the alarm.</summary>
    [Fact]
    public async Task Whoever_comes_to_a_full_etcd_that_was_given_a_larger_quota_ends_the_alarm()
    {
        using var folder = new TemporaryFolder();
        string[] quota = ["--quota-backend-bytes", "700000"];
        await using var etcd = await EtcdCluster.StartAsync(1, _ => quota);
        await using (var log = new EtcdControlLog(EtcdUrl.Parse(etcd.Url("other")), TimeProvider.System, NullLogger<EtcdControlLog>.Instance))
        {
            await using var leadership = await log.CampaignAsync("a:1", CancellationToken.None).Within();
            await Assert.ThrowsAsync<ControlLogUnavailableException>(async () =>
            {
                for (var index = 1; ; index++)
                {
                    await log.AppendAsync(leadership.Term, index, new byte[32 * 1024], CancellationToken.None).Within();
                }
            });
        }

        await etcd.Members[0].KillAsync();
        quota[1] = "70000000";
        await etcd.Members[0].StartAgainAsync();
        await using var server = await ServerProcess.StartAsync(["--log", etcd.Url("office"), "--cluster-secret-file", MakeSecret(folder)]);
        await server.SaysAsync("dchat-server: warning: --log etcd://", "its database is full");
        server.Log.ExpectErrors("no coordinator can be elected"); // Until the alarm is ended.
        using var http = server.CreateHttpClient();
        await Crowd.MakeAsync(http, server.AdminPassword, users: 1);
    }

    private static string MakeSecret(TemporaryFolder folder)
    {
        DChat.Server.Coordinator.ClusterSecret.LoadOrCreate(folder["secret"], mayCreate: true);
        return folder["secret"];
    }

    private static async Task<(int Code, string Output, string Error)> CheckAsync(params string[] flags)
    {
        using var data = new TemporaryFolder();
        return await ServerProcess.RunAsync(["config", "check", "--mode", "coordinator", "--data", data["data"], "--node-port", $"{FreePort.Next()}", .. flags]);
    }
}
