using System.Collections;
using System.Net;
using DChat.Server.EtcdMembers;
using Microsoft.Extensions.Logging;

namespace DChat.Server.Tests.EtcdMembers;

/// <summary>What surrounds the child: its log, its environment, the pause before it is started again.</summary>
public sealed class EtcdChildTests
{
    [Theory]
    [InlineData("""{"level":"info","ts":"x","caller":"y","msg":"became leader"}""", LogLevel.Debug, "became leader")]
    [InlineData("""{"level":"warn","msg":"slow","took":"1s","secret":"s"}""", LogLevel.Warning, "slow (took: 1s)")]
    [InlineData("""{"level":"fatal","msg":"cannot","error":"broken","took":1}""", LogLevel.Error, "cannot (error: broken, took: 1)")]
    [InlineData("""{"level":"warn","msg":"simple token is not cryptographically signed"}""", LogLevel.Debug, "simple token is not cryptographically signed")]
    [InlineData("panic: out of it", LogLevel.Error, "panic: out of it")]
    [InlineData("goroutine 1 [running]:", LogLevel.Debug, "goroutine 1 [running]:")]
    [InlineData("{\"level\":\"warn\",\"msg\":\"cut o", LogLevel.Debug, "{\"level\":\"warn\",\"msg\":\"cut o")]
    [InlineData("{\"level\":\"warn\",\"msg\":\"a\\u001b[31mb\\nc\"}", LogLevel.Warning, "a?[31mb?c")]
    public void A_line_of_etcds_log_is_mapped_and_cleaned(string line, LogLevel level, string message)
    {
        var parsed = EtcdLogLine.Parse(line);
        Assert.Equal((level, message), (parsed.Level, parsed.Message));
    }

    [Fact]
    public void A_long_line_is_cut_and_lines_that_differ_in_numbers_only_are_of_one_kind()
    {
        Assert.Equal(EtcdLogLine.LengthMax + 1, EtcdLogLine.Parse($$"""{"level":"warn","msg":"{{new string('x', 9_000)}}"}""").Message.Length);
        Assert.Equal(EtcdLogLine.Parse("""{"msg":"a","took":"1s"}""").Kind, EtcdLogLine.Parse("""{"msg":"a","took":"2s"}""").Kind);
    }

    [Fact]
    public void The_child_sees_no_secret_and_no_setting_of_etcd_in_its_environment()
    {
        var all = new Hashtable { ["PATH"] = "/bin", ["DCHAT__CLUSTERSECRET"] = "s", ["PGPASSWORD"] = "s", ["AWS_SECRET_ACCESS_KEY"] = "s", ["ETCD_FORCE_NEW_CLUSTER"] = "true", ["DCHAT_ADMIN_PASSWORD"] = "s" };
        Assert.Equal(["PATH"], MemberCommand.Environment(all).Keys);
    }

    [Fact]
    public void The_quota_is_told_to_etcd_in_bytes()
    {
        var peers = PeerList.Parse("c1=127.0.0.1");
        var options = new MemberOptions
        {
            Peers = peers,
            Self = peers.All[0],
            Folder = "x",
            Program = "etcd",
            Listen = IPAddress.Loopback,
            ClientPort = 1,
            HeartbeatMs = 50,
            ElectionMs = 500,
            LeaseSeconds = 3,
            QuotaMb = 8_192,
        };
        var arguments = MemberCommand.Arguments(options, new BeginStep("c1=https://127.0.0.1:2380", IsNew: true, "token")).ToList();
        Assert.Equal("8589934592", arguments[arguments.IndexOf("--quota-backend-bytes") + 1]);
    }

    [Fact]
    public void The_pause_grows_and_ends_growing()
    {
        Assert.Equal([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5], Enumerable.Range(1, 8).Select(ends => RestartDelay.After(ends).TotalSeconds));
        Assert.Equal(RestartDelay.Longest, RestartDelay.After(int.MaxValue));
    }

    [Fact]
    public void A_port_of_the_loopback_is_not_among_those_that_the_system_gives_by_itself() =>
        Assert.All(Enumerable.Range(0, 20).Select(_ => LoopbackPort.Free()), port => Assert.InRange(port, 1_024, 65_535));
}
