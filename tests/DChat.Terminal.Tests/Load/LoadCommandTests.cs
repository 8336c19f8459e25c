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
        var (exitCode, report, error) = await RunAsync(Misbehaviour.None);

        Assert.Contains("deliveries/s", error, StringComparison.Ordinal); // Progress, in a log as well.
        Assert.Equal(0, exitCode);
        Assert.True(report.Verdict.IsClean);
        Assert.True(report is { Acknowledged: > 0, Deliveries: > 0, SendToAck.P99: > 0, SendToDelivery.Max: > 0, OwnCpuSeconds: > 0 });
    }

    [Fact]
    public async Task A_finding_exits_1()
    {
        var (exitCode, report, _) = await RunAsync(Misbehaviour.ForgetsWhatItAcknowledged);

        Assert.Equal(ExitCodes.Refused, exitCode);
        Assert.True(report.Verdict.Missing > 0);
        Assert.NotEmpty(report.Verdict.Examples);
    }

    [Fact]
    public async Task A_run_in_which_every_send_is_refused_exits_1()
    {
        var (exitCode, report, error) = await RunAsync(Misbehaviour.RefusesEverySend);

        Assert.Equal((ExitCodes.Refused, 0), (exitCode, report.Acknowledged));
        Assert.Contains("every send was refused", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refused_administrator_exits_1()
    {
        await using var server = await MisbehavingServer.StartAsync(Misbehaviour.RefusesTheAdministrator);
        var (exitCode, _, error) = await DchatProcess.RunAsync(_home.Path, ["load", "--server", server.Address.ToString()], null, Password);

        Assert.Equal(ExitCodes.Refused, exitCode);
        Assert.Contains("401", error, StringComparison.Ordinal);
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

        Assert.Equal(ExitCodes.Usage, exitCode);
        Assert.Empty(output);
        Assert.Contains(arguments[^2], error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_the_administrators_password_it_exits_2_and_says_where_it_is_taken_from()
    {
        var (exitCode, _, error) = await DchatProcess.RunAsync(_home.Path, ["load"]);

        Assert.Equal(ExitCodes.Usage, exitCode);
        Assert.Contains(LoadCommand.AdminPasswordVariable, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_not_there_exits_4()
    {
        var (exitCode, _, error) = await DchatProcess.RunAsync(_home.Path, ["load", "--server", "http://127.0.0.1:1"], null, Password);

        Assert.Equal(ExitCodes.Unreachable, exitCode);
        Assert.Contains("127.0.0.1:1", error, StringComparison.Ordinal);
    }

    private async Task<(int ExitCode, LoadReport Report, string Error)> RunAsync(Misbehaviour misbehaviour)
    {
        await using var server = await MisbehavingServer.StartAsync(misbehaviour);
        string[] arguments = ["load", "--json", "--server", server.Address.ToString(), "--users", "4", "--rooms", "2", "--members", "4", "--duration", "0.1", "--sends-min", "100", "--warmup", "0.1", "--drain", misbehaviour == Misbehaviour.None ? "60" : "3"];
        var (exitCode, output, error) = await DchatProcess.RunAsync(_home.Path, arguments, null, Password);
        return (exitCode, JsonSerializer.Deserialize(output, LoadJson.Default.LoadReport)!, error);
    }
}
