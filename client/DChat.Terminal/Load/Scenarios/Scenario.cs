namespace DChat.Terminal.Load.Scenarios;

/// <summary>Runs what the options ask for, from the accounts to the report.</summary>
internal static class Scenario
{
    /// <summary>Above it the load generator may be what limits the outcome.</summary>
    private const double OwnShareNoted = 0.45;

    public static async Task<LoadReport> RunAsync(LoadOptions options, CancellationToken cancellation)
    {
        using var run = new LoadRun(options);
        using var acks = options.AckLog is { } path ? AckLog.Create(path, run) : null;
        run.Observer = acks;
        var own = ProcessMeter.Own();
        var server = ProcessMeter.Of(options.ServerPids);
        await using var progress = Progress.Start(run);
        await using var fleet = await Fleet.CreateAsync(run, cancellation);
        var context = new ScenarioContext(run, fleet, progress, own, server);
        var report = await (options.Scenario switch
        {
            LoadScenario.Idle => IdleScenario.RunAsync(context, cancellation),
            LoadScenario.Storm => StormScenario.RunAsync(context, cancellation),
            LoadScenario.Resume => ResumeScenario.RunAsync(context, cancellation),
            LoadScenario.History or LoadScenario.Search => QueryScenario.RunAsync(context, cancellation),
            _ => ChatScenario.RunAsync(context, cancellation),
        });
        return report.OwnCpuShare < OwnShareNoted
            ? report
            : report with { Notes = [.. report.Notes, $"the load generator itself took {report.OwnCpuShare:P0} of the machine: it may have been the bottleneck"] };
    }
}
