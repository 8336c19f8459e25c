using System.Collections;
using System.Text;
using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Nodes;
using DChat.Storage.Files;
using DChat.TestKit;

namespace DChat.Server.Tests.Cli;

public sealed class ConfigurationReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Nothing_given_is_the_documented_default()
    {
        Assert.Equal(new ServerOptions(), Read().Options);
    }

    [Fact]
    public void Flags_beat_environment_beats_file_and_each_value_knows_its_origin()
    {
        var file = File("""{ "port": 1, "nodePort": 11, "data": "in-file", "limits": { "sendBurst": 7, "fileTypes": ["image/*", "text/plain"] } /* said why */ }""");
        var read = Read(
            new() { ["--config"] = file, ["--port"] = "3" },
            new() { ["DCHAT__PORT"] = "2", ["DCHAT__NODEPORT"] = "12", ["DCHAT__LIMITS__SENDBURST"] = "8" });

        Assert.Equal(3, read.Options.Port);
        Assert.Equal(12, read.Options.NodePort);
        Assert.Equal("in-file", read.Options.Data);
        Assert.Equal(8, read.Options.Limits.SendBurst);
        Assert.Equal("image/*,text/plain", read.Options.Limits.FileTypes);
        Assert.Equal("flag --port", read.Origins["port"]);
        Assert.Equal("environment DCHAT__NODEPORT", read.Origins["nodePort"]);
        Assert.Equal($"file {file}", read.Origins["data"]);
        Assert.Equal("default", read.Origins["host"]);
    }

    [Fact]
    public void Every_setting_takes_the_text_that_it_shows()
    {
        var options = new ServerOptions();
        foreach (var setting in Settings.All.Where(setting => !setting.Secret))
        {
            var again = setting.Set(options, setting.Show(options));
            Assert.Equal(setting.Show(options), setting.Show(again));
        }
    }

    [Fact]
    public void A_worker_is_told_all_that_it_lacks()
    {
        var errors = Assert.Throws<ConfigurationException>(() => Read(flags: new() { ["--mode"] = "worker" })).Errors;
        Assert.Contains(errors, error => error.ToString().Contains("--coordinators", StringComparison.Ordinal));
        Assert.Contains(errors, error => error.ToString().Contains("--cluster-secret-file", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("--port", "1234")]
    [InlineData("--host", "127.0.0.1")]
    public void A_coordinator_has_no_port_for_clients_wherever_one_is_given(string flag, string value)
    {
        var key = flag[2..];
        var file = File($$"""{ "{{key}}": "{{value}}" }""");
        foreach (var (flags, environment, origin) in new (Dictionary<string, string>, Hashtable, string)[]
        {
            (new() { [flag] = value }, [], $"flag {flag}"),
            ([], new() { [$"DCHAT__{key.ToUpperInvariant()}"] = value }, $"environment DCHAT__{key.ToUpperInvariant()}"),
            (new() { ["--config"] = file }, [], $"file {file}"),
        })
        {
            Read(new(flags) { ["--mode"] = "all" }, environment);
            flags["--mode"] = "coordinator";
            var error = Assert.Single(Assert.Throws<ConfigurationException>(() => Read(flags, environment)).Errors);
            Assert.Equal($"{flag} {value} (from {origin})", error.Where);
            Assert.Contains("--node-port", error.Remedy, StringComparison.Ordinal);
        }

        Assert.True(Read(new() { ["--mode"] = "coordinator" }).Options.IsCoordinator);
    }

    [Theory]
    [InlineData("--log sqlite:x: with --peers", "--log", "sqlite:x")]
    [InlineData("--node c9: it is not in --peers c1=10.0.0.1:2380,c2=10.0.0.2:2380", "--node", "c9")]
    [InlineData("--peers: it is for coordinators", "--mode", "worker")]
    [InlineData("remedy: give 5 or more, or --etcd-election-ms 2000 or less", "--etcd-election-ms", "3000")]
    [InlineData("remedy: give --etcd-election-ms 40000 or less", "--etcd-election-ms", "50000", "--etcd-lease-seconds", "60")]
    [InlineData("it is less than 5 times --etcd-heartbeat-ms, 100", "--etcd-heartbeat-ms", "100", "--etcd-election-ms", "499")]
    [InlineData("--etcd-port 2380: it is the port for other members already", "--etcd-port", "2380")]
    [InlineData("coordinators that share a log share the cluster secret", "--node", "c1")]
    public void What_contradicts_an_etcd_of_ones_own_is_said(string expected, params string[] more)
    {
        var flags = new Dictionary<string, string> { ["--mode"] = "coordinator", ["--node"] = "c1", ["--peers"] = "c1=10.0.0.1,c2=10.0.0.2" };
        foreach (var pair in more.Chunk(2))
        {
            flags[pair[0]] = pair[1];
        }

        Assert.Contains(expected, Assert.Throws<ConfigurationException>(() => Read(flags)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("10.0.0.2", "10.0.0.2:8081", "c1=10.0.0.1,c2=10.0.0.2,c3=c3.example")]
    [InlineData("*", "c2.example:8081", "c1=10.0.0.1,c2=c2.example")]
    [InlineData("fd00::2", "[fd00::2]:8081", "c1=[fd00::1],c2=[fd00::2]")]
    [InlineData("127.0.0.1", "127.0.0.1:8081", "c1=127.0.0.1:1,c2=127.0.0.1:2")]
    public void A_coordinator_with_peers_is_where_they_were_told_that_it_is(string nodeHost, string advertise, string peers)
    {
        var flags = new Dictionary<string, string> { ["--mode"] = "coordinator", ["--node"] = "c2", ["--peers"] = peers, ["--cluster-secret-file"] = "x" };
        var options = Read(flags).Options;
        Assert.Equal((nodeHost, advertise), (options.NodeHost, options.EffectiveAdvertise));
        flags["--node-host"] = "10.9.9.9";
        Assert.Equal("10.9.9.9:8081", Read(flags).Options.EffectiveAdvertise);
    }

    [Theory]
    [InlineData("--mode", "worker", "--coordinators", "127.0.0.1:9000,10.0.0.1:9000")]
    [InlineData("--mode", "worker", "--coordinators", "dns:c.example:9000", "--node-host", "*")]
    [InlineData("--mode", "coordinator", "--log", "etcd://127.0.0.1:2379,10.0.0.1:2379/chat", "--node-host", "*")]
    [InlineData("--mode", "coordinator", "--node", "c1", "--peers", "c1=10.0.0.1,c2=10.0.0.2", "--node-host", "127.0.0.1")]
    public void A_node_that_others_would_look_for_on_their_own_machine_is_refused(params string[] given)
    {
        var flags = given.Chunk(2).ToDictionary(pair => pair[0], pair => pair[1]);
        (flags["--cluster-secret-file"], flags["--node-port"]) = ("x", "9000");
        var error = Assert.Single(Assert.Throws<ConfigurationException>(() => Read(flags)).Errors);
        Assert.Equal("--advertise", error.Where);
        Assert.Contains("--node-host", error.Remedy, StringComparison.Ordinal);
        flags["--advertise"] = "127.0.0.1:9000"; // Whoever says so has a reason.
        Assert.NotNull(Read(flags));
    }

    [Theory]
    [InlineData("127.0.0.1:9000,localhost:9001")]
    [InlineData("[::1]:9000")]
    public void On_one_machine_nothing_need_be_said_of_where_a_node_is(string coordinators) =>
        Assert.NotNull(Read(new() { ["--mode"] = "worker", ["--coordinators"] = coordinators, ["--cluster-secret-file"] = "x" }));

    [Theory]
    [InlineData("--mode", "coordinator", "--node", "c1", "--peers", "c1=10.0.0.1,c2=10.0.0.2,c3=10.0.0.3")]
    [InlineData("--mode", "coordinator", "--log", "etcd://127.0.0.1:2379/chat")]
    [InlineData("--mode", "worker", "--coordinators", "127.0.0.1:9000")]
    public void A_secret_that_lies_in_the_data_folder_need_not_be_named_and_a_missing_one_may_be_given_in_three_ways(params string[] given)
    {
        var flags = given.Chunk(2).ToDictionary(pair => pair[0], pair => pair[1]);
        flags["--data"] = _folder.Path;
        var place = _folder["cluster-secret"];
        var error = Assert.Single(Assert.Throws<ConfigurationException>(() => Read(flags)).Errors);
        Assert.Contains($"--cluster-secret-file FILE, lay it down as {place}, or set DCHAT__CLUSTERSECRET", error.Remedy, StringComparison.Ordinal);

        var secret = Convert.ToBase64String(new byte[ClusterSecret.Size]);
        PrivateFile.Create(place, Encoding.ASCII.GetBytes(secret));
        NodeSetup.CheckSecret(Read(flags).Options);

        System.IO.File.Delete(place);
        NodeSetup.CheckSecret(Read(flags, new() { ["DCHAT__CLUSTERSECRET"] = secret }).Options);
        PrivateFile.Create(_folder["secret"], Encoding.ASCII.GetBytes(secret));
        flags["--cluster-secret-file"] = _folder["secret"];
        NodeSetup.CheckSecret(Read(flags).Options);
    }

    [Fact]
    public void An_etcd_of_ones_own_needs_both_names_and_its_timings_need_it()
    {
        var errors = Assert.Throws<ConfigurationException>(() => Read(new() { ["--mode"] = "coordinator", ["--peers"] = "c1=h" })).Errors;
        Assert.Contains(errors, error => error.Where == "--node" && error.Remedy.Contains("--node c1", StringComparison.Ordinal));
        errors = Assert.Throws<ConfigurationException>(() => Read(new() { ["--mode"] = "coordinator", ["--node"] = "c1", ["--etcd-port"] = "2379" })).Errors;
        Assert.Equal(2, errors.Count);
        Assert.All(errors, error => Assert.Contains("--peers is not given", error.Problem, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("port", "70000", "0 to 65535")]
    [InlineData("port", "", "0 to 65535")]
    [InlineData("mode", "both", "all, coordinator or worker")]
    [InlineData("mode", "1", "all, coordinator or worker")]
    [InlineData("host", "example.org", "an IP address")]
    [InlineData("log", "mysql:x", "sqlite:PATH")]
    [InlineData("log", "etcd://a:99999", "a port is a whole number")]
    [InlineData("store", "postgres://a/b", "the user's name is missing")]
    [InlineData("store", "postgres://a@h/b?connections=1", "connections is a whole number from 6")]
    [InlineData("blobs", "s3://Bucket", "no bucket's name")]
    [InlineData("blobs", "s3://bucket?part-size=1", "part-size is a whole number from 5")]
    [InlineData("coordinators", "10.0.0.1", "host:port")]
    [InlineData("coordinators", "10.0.0.1:9000,dns:c.example:0", "host:port")]
    [InlineData("advertise", "10.0.0.1:9000,10.0.0.2:9000", "host:port")]
    [InlineData("node", "c 1", "letters, digits")]
    [InlineData("peers", "c1=10.0.0.1,c1=10.0.0.2", "is there twice")]
    [InlineData("etcdHeartbeatMs", "4", "5 to 10000")]
    [InlineData("etcdElectionMs", "49", "50 to 50000")]
    [InlineData("etcdLeaseSeconds", "0", "1 to 60")]
    [InlineData("etcdQuotaMb", "63", "64 to 102400")]
    [InlineData("label", "zone", "key=value")]
    [InlineData("metrics", "9464", "an IP address")]
    [InlineData("metrics", "localhost:9464", "an IP address")]
    [InlineData("metrics", "*:0", "and a port")]
    [InlineData("placement", "leastloaded", "least-loaded, round-robin or creator")]
    [InlineData("limits.sendBurst", "-1", "0 to")]
    [InlineData("limits.fileBytes", "9999999999GiB", "25MiB")]
    [InlineData("limits.fileTypes", "image", "media types")]
    public void A_bad_value_names_flag_value_and_what_is_right(string key, string value, string expected)
    {
        var setting = Settings.All.Single(setting => setting.Key == key);
        var error = Assert.Single(Assert.Throws<ConfigurationException>(() => Read(environment: new() { [setting.Variable] = value })).Errors);
        Assert.Contains(setting.Flag, error.Where, StringComparison.Ordinal);
        Assert.Contains(value, error.Problem, StringComparison.Ordinal);
        Assert.Contains(expected, error.ToString(), StringComparison.Ordinal);
        Assert.NotEmpty(error.Remedy);
    }

    [Theory]
    [InlineData("s3://AKIA:hidden@bucket")]
    [InlineData("s3://bucket?secret=hidden")]
    [InlineData("s3://bucket?region=x&endpoint=https://me:hidden@h")]
    public void A_secret_in_the_address_of_a_bucket_is_refused_and_not_repeated(string value)
    {
        var error = Assert.Single(Assert.Throws<ConfigurationException>(() => Read(flags: new() { ["--blobs"] = value })).Errors);
        Assert.DoesNotContain("hidden", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("AWS_SECRET_ACCESS_KEY", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Everything_that_is_wrong_is_said_at_once()
    {
        var file = File("""{ "prot": 1, "limits": { "sendBurts": 3 } }""");
        var errors = Assert.Throws<ConfigurationException>(() => Read(
            new() { ["--config"] = file, ["--port"] = "x" },
            new() { ["DCHAT__HOTS"] = "y" })).Errors;
        Assert.Equal(4, errors.Count);
        Assert.Contains(errors, error => error.ToString().Contains("\"prot\" is not a setting", StringComparison.Ordinal) && error.Remedy.Contains("did you mean port?", StringComparison.Ordinal));
        Assert.Contains(errors, error => error.Remedy.Contains("did you mean limits.sendBurst?", StringComparison.Ordinal));
        Assert.Contains(errors, error => error.Remedy.Contains("did you mean DCHAT__HOST?", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{ \"port\": ", "is not JSON")]
    [InlineData("[]", "JSON object")]
    [InlineData("{ \"port\": true }", "neither text")]
    [InlineData("{ \"port\": 1, \"port\": 2 }", "is not JSON")]
    public void A_file_that_is_no_configuration_is_refused(string content, string expected)
    {
        var error = Assert.Throws<ConfigurationException>(() => Read(new() { ["--config"] = File(content) }));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_secret_is_not_taken_from_a_flag_nor_repeated_in_an_error()
    {
        var fromFlag = Assert.Throws<ConfigurationException>(() => Read(new() { ["--cluster-secret"] = "s3cret" }));
        var tooShort = Assert.Throws<ConfigurationException>(() => Read(environment: new() { ["DCHAT__CLUSTERSECRET"] = "s3cret" }));
        Assert.DoesNotContain("s3cret", fromFlag.Message + tooShort.Message, StringComparison.Ordinal);
    }

    private static Configuration Read(Dictionary<string, string>? flags = null, Hashtable? environment = null) =>
        ConfigurationReader.Read(flags ?? [], environment ?? []);

    private string File(string content)
    {
        var path = _folder["config.json"];
        System.IO.File.WriteAllText(path, content);
        return path;
    }
}
