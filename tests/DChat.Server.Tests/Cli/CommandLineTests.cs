using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text;
using System.Text.Json;
using DChat.Server.Cli;
using DChat.Server.EtcdMembers;
using DChat.Storage.Files;
using DChat.TestKit;

namespace DChat.Server.Tests.Cli;

/// <summary>The binary as a person or a script meets it.</summary>
public sealed class CommandLineTests
{
    [Fact]
    public async Task Help_teaches_every_setting_with_its_variable()
    {
        var (code, output, _) = await ServerProcess.RunAsync(["--help"]);
        Assert.Equal(CommandLine.Success, code);
        foreach (var setting in Settings.All)
        {
            Assert.Contains(setting.Variable, output, StringComparison.Ordinal);
            Assert.Contains(setting.Secret ? setting.About : setting.Flag, output, StringComparison.Ordinal);
        }

        Assert.Contains(Settings.AdminPasswordVariable, output, StringComparison.Ordinal);
        Assert.Contains("OTEL_EXPORTER_OTLP_ENDPOINT", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_of_a_verb_teaches_its_own_arguments()
    {
        var (code, output, error) = await ServerProcess.RunAsync(["room", "move", "--help"]);
        Assert.Equal((CommandLine.Success, ""), (code, error));
        Assert.Contains("its new host's id", output, StringComparison.Ordinal);
        Assert.DoesNotContain("--mode", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_weak_password_for_the_first_administrator_is_refused_and_not_shown()
    {
        using var folder = new TemporaryFolder();
        var weak = new Dictionary<string, string> { [Settings.AdminPasswordVariable] = "xyzzy" };
        var (code, _, error) = await ServerProcess.RunAsync(["config", "check", "--data", folder["data"], "--port", "0"], weak);
        Assert.Equal(CommandLine.BadConfiguration, code);
        Assert.Contains("DCHAT_ADMIN_PASSWORD: the password given is too weak", error, StringComparison.Ordinal);
        Assert.DoesNotContain("xyzzy", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("version")]
    [InlineData("--version")]
    public async Task Version_is_one_line(string asked)
    {
        var (code, output, _) = await ServerProcess.RunAsync([asked]);
        Assert.Equal((CommandLine.Success, "dchat-server 0.1.0\n"), (code, output));
    }

    [Fact]
    public async Task Config_show_masks_secrets_and_names_origins()
    {
        const string Secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        var (code, output, _) = await ServerProcess.RunAsync(["config", "show", "--port", "9"], new Dictionary<string, string> { ["DCHAT__CLUSTERSECRET"] = Secret });
        Assert.Equal(CommandLine.Success, code);
        Assert.Contains("port = 9  (flag --port)", output, StringComparison.Ordinal);
        Assert.Contains("clusterSecret = ********  (environment DCHAT__CLUSTERSECRET)", output, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, output, StringComparison.Ordinal);
    }

    [UnsupportedOSPlatform("windows")]
    [Theory]
    [InlineData("open")]
    [InlineData("garbage")]
    [InlineData("another member's")]
    public async Task Config_check_refuses_what_a_start_refuses(string what)
    {
        using var folder = new TemporaryFolder();
        var secret = Encoding.ASCII.GetBytes(what == "garbage" ? "no secret" : Convert.ToBase64String(new byte[32]));
        if (what == "open")
        {
            await File.WriteAllBytesAsync(folder["secret"], secret);
            File.SetUnixFileMode(folder["secret"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        }
        else
        {
            PrivateFile.Create(folder["secret"], secret);
        }

        string[] flags = ["--data", folder["data"], "--node-port", $"{FreePort.Next()}", "--cluster-secret-file", folder["secret"]];
        var said = what == "open" ? "can be read by others" : "is no cluster secret";
        if (what == "another member's")
        {
            var peers = PeerList.Parse($"c1=127.0.0.1:{FreePort.Next()},c2=127.0.0.1:{FreePort.Next()}");
            Directory.CreateDirectory(folder["data/etcd"]);
            MemberNote.New(peers.Find("c1")!).Write(folder["data/etcd/member.json"]);
            flags = ["--mode", "coordinator", "--node", "c2", "--peers", peers.ToString(), "--etcd-program", "/bin/false", "--blobs", $"file:{folder["blobs"]}", .. flags];
            said = "is the data of c1, and --node says c2";
        }
        else
        {
            flags = ["--port", "0", .. flags];
        }

        foreach (var verb in (string[][])[["config", "check"], []])
        {
            var (code, output, error) = await ServerProcess.RunAsync([.. verb, .. flags]);
            Assert.True(code == CommandLine.Failure, $"{code}: {output}{error}");
            Assert.Contains(said, error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Config_check_says_that_it_would_start_and_leaves_nothing_behind()
    {
        using var folder = new TemporaryFolder();
        var (code, output, _) = await ServerProcess.RunAsync(["config", "check", "--data", folder["data"], "--port", "0"]);
        Assert.Equal(CommandLine.Success, code);
        Assert.Contains("would start", output, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));

        (code, _, var error) = await ServerProcess.RunAsync(["config", "check", "--data", folder["data"], "--port", "x"]);
        Assert.Equal(CommandLine.BadConfiguration, code);
        Assert.Contains("--port", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Config_show_hides_the_password_of_a_url()
    {
        var (code, output, _) = await ServerProcess.RunAsync(["config", "show", "--store", "postgres://chat:secret@db.example/chat?sslmode=verify-full"]);
        Assert.Equal(CommandLine.Success, code);
        Assert.Contains("store = postgres://chat:********@db.example/chat?sslmode=verify-full", output, StringComparison.Ordinal);
        Assert.DoesNotContain("secret@", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("did you mean --port?", "--prot", "80")]
    [InlineData("--port", "--port", "abc")]
    [InlineData("the user's name is missing", "--store", "postgres://a/b")]
    [InlineData("nobody listens", "--store", "postgres://a:secret@127.0.0.1:9/b")]
    [InlineData("not known", "--store", "postgres://a@no.such.host.invalid/b")]
    [InlineData("a:********@", "--store", "postgres://a:secret@127.0.0.1/b?color=red")]
    [InlineData("--data", "--data", "/dev/null/data")]
    [InlineData("--host", "--host", "203.0.113.7")]
    [InlineData("--config", "--config", "/nowhere.json")]
    [InlineData("apt install etcd-server", "--node", "c1", "--peers", "c1=127.0.0.1", "--cluster-secret-file", "x", "--etcd-program", "no-such-etcd")]
    [InlineData("it is not etcd", "--node", "c1", "--peers", "c1=127.0.0.1", "--cluster-secret-file", "x", "--etcd-program", "/bin/true")]
    [InlineData("there is no such file", "--node", "c1", "--peers", "c1=127.0.0.1", "--cluster-secret-file", "/nowhere")]
    [InlineData("--store sqlite:/proc/x.db: it can not be written there", "--store", "sqlite:/proc/x.db")]
    [InlineData("--log sqlite:/proc/x/y.db: it can not be written there", "--log", "sqlite:/proc/x/y.db")]
    [InlineData("--blobs file:/dev/null/x: it can not be written there", "--blobs", "file:/dev/null/x")]
    [InlineData("--store sqlite:/tmp/../tmp/dchat-same.db: --log is there already", "--log", "sqlite:/tmp/dchat-same.db", "--store", "sqlite:/tmp/../tmp/dchat-same.db")]
    [InlineData("is the port for clients already", "--host", "*", "--port", "9", "--node-port", "9")]
    [InlineData("is the port for clients already", "--node-host", "0.0.0.0", "--port", "9", "--node-port", "9")]
    public async Task What_can_not_be_done_exits_with_2_and_says_the_remedy(string expected, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        var data = arguments[0] == "--data" ? Array.Empty<string>() : ["--data", folder.Path];
        var (code, _, error) = await ServerProcess.RunAsync([.. data, .. arguments]);
        Assert.Equal(CommandLine.BadConfiguration, code);
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.Contains("remedy: ", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--store", "sqlite:/proc/x.db")]
    [InlineData("--blobs", "file:/proc/x")]
    public async Task Config_check_finds_an_engine_that_can_not_write(string flag, string url)
    {
        using var folder = new TemporaryFolder();
        var (code, _, error) = await ServerProcess.RunAsync(["config", "check", "--data", folder["data"], "--port", "0", flag, url]);
        Assert.Equal(CommandLine.BadConfiguration, code);
        Assert.Contains($"{flag} {url}", error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public async Task Config_check_waits_for_no_database()
    {
        using var folder = new TemporaryFolder();
        var (code, _, error) = await ServerProcess.RunAsync(["config", "check", "--data", folder["data"], "--port", "0", "--store", "postgres://dchat@127.0.0.1:9/dchat"]);
        Assert.Equal(CommandLine.BadConfiguration, code);
        Assert.Contains("nobody listens at 127.0.0.1:9", error, StringComparison.Ordinal);
        Assert.DoesNotContain("waiting", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Config_check_finds_certificates_that_other_nodes_would_not_take()
    {
        using var folder = new TemporaryFolder();
        using var ours = new CertificateAuthority("ours");
        using var theirs = new CertificateAuthority("theirs");
        var (first, second) = (ours.Issue(), ours.Issue());
        var (code, output, error) = await CheckAsync(first.Certificate, first.Key, ours.RootFile);
        Assert.True(code == CommandLine.Success, $"{code}: {output}{error}");
        foreach (var (certificate, key, authority, said) in new[]
        {
            (first.Certificate, second.Key, ours.RootFile, "they cannot be used"),
            (first.Certificate, first.Key, folder["nowhere.pem"], "they cannot be used"),
            (first.Certificate, first.Key, theirs.RootFile, $"nodes with --node-tls-ca {theirs.RootFile} would not take it"),
        })
        {
            (code, _, error) = await CheckAsync(certificate, key, authority);
            Assert.Equal(CommandLine.BadConfiguration, code);
            Assert.Contains(said, error, StringComparison.Ordinal);
        }

        Task<(int, string, string)> CheckAsync(string certificate, string key, string authority) => ServerProcess.RunAsync(
            ["config", "check", "--mode", "coordinator", "--data", folder["data"], "--node-port", $"{FreePort.Next()}", "--node-tls-certificate", certificate, "--node-tls-key", key, "--node-tls-ca", authority]);
    }

    [Fact]
    public async Task A_worker_whose_secret_file_is_not_there_is_told_just_that()
    {
        using var folder = new TemporaryFolder();
        var (code, _, error) = await ServerProcess.RunAsync(
            ["--mode", "worker", "--coordinators", "127.0.0.1:9", "--data", folder["data"], "--port", "0", "--node-port", $"{FreePort.Next()}", "--blobs", $"file:{folder["blobs"]}", "--cluster-secret-file", folder["typo"]]);
        Assert.Equal(CommandLine.BadConfiguration, code);
        Assert.Contains($"--cluster-secret-file {folder["typo"]}: there is no such file", error, StringComparison.Ordinal);
        Assert.DoesNotContain("backup", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--port")]
    [InlineData("--node-port")]
    public async Task A_port_in_use_is_named(string flag)
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        using var folder = new TemporaryFolder();
        string[] other = flag == "--port" ? ["--node-port", "0"] : ["--port", "0"];
        var (code, _, error) = await ServerProcess.RunAsync(["--data", folder.Path, flag, $"{port}", .. other]);
        Assert.Equal(CommandLine.BadConfiguration, code);
        Assert.Contains($"{flag} {port}: the port is in use", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_data_folder_in_use_is_named_and_the_first_server_is_not_disturbed()
    {
        await using var server = await ServerProcess.StartAsync();
        var (code, _, error) = await ServerProcess.RunAsync(["--data", server.Data, "--port", "0"]);
        Assert.Equal(CommandLine.BadConfiguration, code);
        Assert.Contains("another dchat-server uses this folder", error, StringComparison.Ordinal);

        using var http = server.CreateHttpClient();
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/health/live")).StatusCode);
    }

    [Fact]
    public async Task It_stops_in_an_orderly_way_and_starts_again_on_the_same_ports_after_a_kill()
    {
        await using var server = await ServerProcess.StartAsync();
        var before = server.Client;
        await server.KillAsync();
        await server.RestartAsync();
        Assert.Equal(before, server.Client);
        Assert.Equal(CommandLine.Success, await server.TerminateAsync());
    }

    [Fact]
    public async Task A_start_that_is_refused_says_why_and_the_remedy_without_a_stack_trace()
    {
        await using var server = await ServerProcess.StartAsync();
        Assert.Equal(CommandLine.Success, await server.TerminateAsync());
        File.Delete(Path.Combine(server.Data, "cluster-secret"));
        var (code, output, error) = await ServerProcess.RunAsync(["--data", server.Data, "--port", "0"]);
        Assert.Equal(CommandLine.Failure, code);
        Assert.Contains("cluster-secret' is missing", error, StringComparison.Ordinal);
        Assert.Contains("Remedy: ", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output + error, StringComparison.Ordinal);
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task The_data_folder_and_the_password_in_it_are_for_the_owner_only_and_the_password_is_printed_once()
    {
        await using var server = await ServerProcess.StartAsync();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(server.Data));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(server.Data, "initial-admin-password")));
        await server.SaysAsync(server.AdminPassword);
        await server.KillAsync();
        await server.RestartAsync();
        Assert.Equal(0, await server.TerminateAsync());
        Assert.Single(server.Log.Lines, line => line.Contains(server.AdminPassword, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Each_line_of_the_text_log_begins_with_date_and_time()
    {
        await using var server = await ServerProcess.StartAsync();
        await Eventually.Holds(() => server.Log.Lines.Any(line => line.Contains(" info: ", StringComparison.Ordinal)));
        Assert.All(
            server.Log.Lines.Where(line => line.Contains(" info: ", StringComparison.Ordinal)),
            line => Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info: ", line));
    }

    [Fact]
    public async Task With_json_logs_each_line_is_an_object_with_its_time()
    {
        await using var server = await ServerProcess.StartAsync(["--log-format", "json"]);
        await Eventually.Holds(() => server.Log.Lines.Count > 1);
        Assert.All(server.Log.Lines, line =>
        {
            using var entry = JsonDocument.Parse(line);
            Assert.Equal(TimeSpan.Zero, entry.RootElement.GetProperty("Timestamp").GetDateTimeOffset().Offset);
            Assert.NotNull(entry.RootElement.GetProperty("Message").GetString());
        });
    }
}
