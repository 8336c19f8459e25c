using System.Text.Json;
using DChat.Terminal.Load;
using DChat.Terminal.Tests.LineMode;
using DChat.TestKit;

namespace DChat.Terminal.Tests.Load;

/// <summary>The verb as a script meets it: a process, its exit code and its JSON.</summary>
public sealed class LoadCommandTests : IDisposable
{
    private static readonly Dictionary<string, string> Password = new() { [LoadCommand.AdminPasswordVariable] = "irrelevant" };

    private readonly TemporaryFolder _home = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task A_clean_run_exits_0_and_reports_in_one_JSON_object()
    {
        var (exitCode, report) = await RunAsync(Misbehaviour.None);

        Assert.Equal(0, exitCode);
        Assert.True(report.Verdict.IsClean);
        Assert.True(report is { Acknowledged: > 0, Deliveries: > 0, SendToAck.P99: > 0, SendToDelivery.Max: > 0, OwnCpuSeconds: > 0 });
    }

    [Fact]
    public async Task A_finding_exits_1()
    {
        var (exitCode, report) = await RunAsync(Misbehaviour.ForgetsWhatItAcknowledged);

        Assert.Equal(LoadCommand.ExitFindings, exitCode);
        Assert.True(report.Verdict.Missing > 0);
        Assert.NotEmpty(report.Verdict.Examples);
    }

    [Theory]
    [InlineData("--users", "0")]
    [InlineData("--users", "2", "--members", "3")]
    [InlineData("--rate", "-1")]
    [InlineData("--scenario", "party")]
    [InlineData("--server", "ftp://127.0.0.1")]
    [InlineData("--admin-password-file", "/no/such/file")]
    public async Task A_wrong_command_line_exits_2_and_says_what_is_wrong(params string[] arguments)
    {
        var (exitCode, output, error) = await DchatProcess.RunAsync(_home.Path, ["load", .. arguments]);

        Assert.Equal(LoadCommand.ExitUsage, exitCode);
        Assert.Empty(output);
        Assert.Contains(arguments[^2], error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_the_administrators_password_it_exits_2_and_says_where_it_is_taken_from()
    {
        var (exitCode, _, error) = await DchatProcess.RunAsync(_home.Path, ["load"]);

        Assert.Equal(LoadCommand.ExitUsage, exitCode);
        Assert.Contains(LoadCommand.AdminPasswordVariable, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_not_there_exits_3()
    {
        var (exitCode, _, error) = await DchatProcess.RunAsync(_home.Path, ["load", "--server", "http://127.0.0.1:1"], null, Password);

        Assert.Equal(LoadCommand.ExitCannotStart, exitCode);
        Assert.Contains("127.0.0.1:1", error, StringComparison.Ordinal);
    }

    private async Task<(int ExitCode, LoadReport Report)> RunAsync(Misbehaviour misbehaviour)
    {
        await using var server = await MisbehavingServer.StartAsync(misbehaviour);
        string[] arguments = ["load", "--json", "--server", server.Address.ToString(), "--users", "4", "--rooms", "2", "--members", "4", "--duration", "0.4", "--warmup", "0.1", "--drain", "3"];
        var (exitCode, output, _) = await DchatProcess.RunAsync(_home.Path, arguments, null, Password);
        return (exitCode, JsonSerializer.Deserialize(output, LoadJson.Default.LoadReport)!);
    }
}
