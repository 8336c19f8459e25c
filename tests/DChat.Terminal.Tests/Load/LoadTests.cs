using System.Globalization;
using DChat.Terminal.Load;
using DChat.Terminal.Load.Checking;
using DChat.Terminal.Load.Scenarios;
using DChat.TestKit;

namespace DChat.Terminal.Tests.Load;

/// <summary>The whole of <c>dchat load</c> against a server over a socket: what goes wrong there is in the verdict, and nothing else.</summary>
public sealed class LoadTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(240);

    /// <summary>Enough for what goes wrong every so often to go wrong several times.</summary>
    private const int Sends = 200;

    [Theory]
    [InlineData(Misbehaviour.SkipsOneClient, nameof(Verdict.Holes))]
    [InlineData(Misbehaviour.ShowsTwice, nameof(Verdict.Doubled))]
    [InlineData(Misbehaviour.ShowsInWrongOrder, nameof(Verdict.OutOfOrder))]
    [InlineData(Misbehaviour.ShowsAltered, nameof(Verdict.Differing))]
    [InlineData(Misbehaviour.ShowsWhatNobodySent, nameof(Verdict.Phantom))]
    [InlineData(Misbehaviour.ForgetsWhatItAcknowledged, nameof(Verdict.Missing))]
    [InlineData(Misbehaviour.LosesFromHistory, nameof(Verdict.Missing))]
    [InlineData(Misbehaviour.ShowsWhatItRefused, nameof(Verdict.Phantom))]
    public async Task A_broken_promise_is_in_the_verdict(Misbehaviour misbehaviour, string finding)
    {
        var report = await RunAsync(misbehaviour, reconnect: false);

        var count = (long)typeof(Verdict).GetProperty(finding)!.GetValue(report.Verdict)!;
        Assert.True(count > 0, $"{report.Sends} sends: {report.Verdict}{Environment.NewLine}{string.Join(Environment.NewLine, report.Verdict.Examples)}");
    }

    [Fact]
    public async Task A_repeat_that_is_stored_twice_is_in_the_verdict()
    {
        var report = await RunAsync(Misbehaviour.StoresARepeatTwice, reconnect: true);

        Assert.True(report.Verdict.Doubled > 0, report.Verdict.ToString());
    }

    [Theory]
    [InlineData(Misbehaviour.None)]
    [InlineData(Misbehaviour.CutsConnections)]
    [InlineData(Misbehaviour.AsksForPatience)]
    [InlineData(Misbehaviour.AsksToResync)]
    public async Task What_the_contract_allows_is_clean(Misbehaviour misbehaviour)
    {
        // Nothing stays outstanding: however long it takes, all is answered and seen in the end.
        var report = await RunAsync(misbehaviour, reconnect: misbehaviour == Misbehaviour.CutsConnections, drain: TimeSpan.FromSeconds(90));

        Assert.True(report.Verdict.IsClean, $"{report.Verdict}{Environment.NewLine}{string.Join(Environment.NewLine, report.Verdict.Examples)}");
        Assert.True(report.Acknowledged >= Sends, $"only {report.Acknowledged} were acknowledged");
        Assert.Equal(report.Sends, report.Acknowledged);
        Assert.Equal(misbehaviour == Misbehaviour.CutsConnections, report.Reconnects > 0);
        Assert.Equal(misbehaviour == Misbehaviour.AsksForPatience, report.HeldBack > 0);
        Assert.Equal(misbehaviour == Misbehaviour.AsksToResync, report.Resyncs > 0);
    }

    [Fact]
    public async Task A_lost_connection_that_is_not_made_again_is_in_the_verdict()
    {
        var report = await RunAsync(Misbehaviour.CutsConnections, reconnect: false);

        Assert.True(report.Verdict.Missing > 0, report.Verdict.ToString());
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_no_verdict() =>
        await Assert.ThrowsAsync<CannotStartException>(() => Scenario.RunAsync(Options(new Uri("http://127.0.0.1:1"), reconnect: false), CancellationToken.None).WaitAsync(Limit));

    [Fact]
    public async Task Each_acknowledged_send_has_a_line_in_the_log_of_them()
    {
        using var folder = new TemporaryFolder();
        await using var server = await MisbehavingServer.StartAsync(Misbehaviour.None);
        var report = await Scenario.RunAsync(Options(server.Address, reconnect: false) with { AckLog = folder["acks"] }, CancellationToken.None).WaitAsync(Limit);

        var lines = await File.ReadAllLinesAsync(folder["acks"]);
        Assert.Equal(report.Acknowledged, lines.Length);
        Assert.Equal(report.Rooms, lines.Select(line => line.Split(' ')[0]).Distinct().Count());
        Assert.All(lines, line => Assert.True(line.Split(' ') is [_, var due, var acked] && long.Parse(due, CultureInfo.InvariantCulture) <= long.Parse(acked, CultureInfo.InvariantCulture), line));
    }

    [Theory]
    [InlineData(Misbehaviour.None)]
    [InlineData(Misbehaviour.NeverAnswersReadMarks)]
    public async Task A_read_mark_that_is_never_answered_shows(Misbehaviour misbehaviour)
    {
        await using var server = await MisbehavingServer.StartAsync(misbehaviour);
        var options = Options(server.Address, reconnect: false) with { MarkRead = true, Duration = TimeSpan.FromSeconds(3), Drain = TimeSpan.FromSeconds(3) };
        var report = await Scenario.RunAsync(options, CancellationToken.None).WaitAsync(Limit);

        Assert.True(report.Verdict.IsClean, report.Verdict.ToString());
        Assert.Equal(misbehaviour == Misbehaviour.None, report is { Marks: > 0, MarksUnanswered: 0 });
        Assert.Equal(misbehaviour != Misbehaviour.None, report is { Marks: 0, MarksUnanswered: > 0 });
    }

    private static async Task<LoadReport> RunAsync(Misbehaviour misbehaviour, bool reconnect, TimeSpan? drain = null)
    {
        await using var server = await MisbehavingServer.StartAsync(misbehaviour);
        return await Scenario.RunAsync(Options(server.Address, reconnect) with { Drain = drain ?? TimeSpan.FromSeconds(3) }, CancellationToken.None).WaitAsync(Limit);
    }

    private static LoadOptions Options(Uri server, bool reconnect) => new()
    {
        Servers = [server],
        Users = 6,
        Rooms = 2,
        MembersPerRoom = 6,
        InFlight = 3,
        Warmup = TimeSpan.FromMilliseconds(50),
        Duration = TimeSpan.FromMilliseconds(100),
        SendsMin = Sends,
        AdminPassword = "irrelevant",
        Prefix = "t",
        Reconnect = reconnect,
    };
}
