using System.Globalization;
using DChat.Terminal.Load;
using DChat.Terminal.Load.Scenarios;
using DChat.TestKit;

namespace DChat.Benchmarks.Bench.Clusters;

/// <summary>The load generator's clients in this process, so that what they see can be told from what was done to the cluster when.</summary>
internal sealed class ClusterLoad : IAsyncDisposable
{
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(60);

    private readonly LoadRun _run;
    private readonly Fleet _fleet;
    private readonly Progress _progress;
    private readonly ProcessMeter _own = ProcessMeter.Own();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<string> _notes = [];
    private Task _sending = Task.CompletedTask;

    private ClusterLoad(LoadRun run, Fleet fleet)
    {
        (_run, _fleet) = (run, fleet);
        _progress = Progress.Start(run);
        Seen = new Sightings(run.Options.Users, run.Rooms.Count);
        run.Observer = Seen;
    }

    public Sightings Seen { get; }

    public IReadOnlyList<LoadClient> Clients => _fleet.Clients;

    public IReadOnlyList<string> Rooms => [.. _run.Rooms.Select(room => room.Id)];

    /// <summary>Connects clients and begins to send.</summary>
    /// <param name="arePinned">Each client comes back to its own worker only; else it goes to another, half of them to the next and half to the one before.</param>
    public static async Task<ClusterLoad> StartAsync(MeasuredCluster cluster, int users, int rooms, double sendsPerSecond, bool arePinned)
    {
        var run = new LoadRun(new LoadOptions
        {
            Servers = [.. cluster.Workers.Select(worker => worker.Client)],
            Users = users,
            Rooms = rooms,
            MembersPerRoom = users,
            SendsPerSecond = sendsPerSecond,
            Reconnect = true,
            AdminPassword = ClusterUnderTest.AdminPassword,
            Prefix = "load-",
            Drain = DrainLimit,
            Seed = 1,
        });
        var servers = run.Options.Servers;
        var fleet = await Fleet.CreateAsync(run, CancellationToken.None);
        fleet.ServerOf = (client, attempt) =>
            servers[(client.Index + (arePinned ? 0 : client.Index / servers.Count % 2 == 0 ? attempt : (servers.Count - 1) * attempt)) % servers.Count];
        var load = new ClusterLoad(run, fleet);
        try
        {
            await fleet.ConnectAsync(fleet.Clients, 0, CancellationToken.None);
            load._sending = PacedSending.RunAsync(run, fleet.Clients, load._notes, load._stop.Token);
            return load;
        }
        catch
        {
            await load.DisposeAsync();
            throw;
        }
    }

    /// <summary>What failed, held back or was repeated, for people.</summary>
    public static void TellTroubles(BenchOptions options, string name, LoadReport report, SdkClients people)
    {
        options.Tell(string.Create(
            CultureInfo.InvariantCulture,
            $"{name}: {report.Acknowledged:N0} bare sends acknowledged, {report.Refused} refused, {report.HeldBack} held back, {report.Repeated} cut off and repeated, {report.Reconnects} reconnects, {report.Resyncs} resyncs; {people.Calls:N0} SDK calls, {people.Failures} failed, the longest took {people.LongestCall:0} ms, longest gap {people.LongestPause:0} ms; checker clean"));
        foreach (var trouble in new[] { report.FirstRefusal, report.FirstHeldBack, people.FirstFailure }.OfType<string>().Concat(report.Notes))
        {
            options.Tell($"  {trouble}");
        }
    }

    /// <summary>Waits until every client is connected and follows its rooms.</summary>
    public Task AllAreUpAsync() => Eventually.Holds(() => Clients.All(client => client.IsCaughtUp), DrainLimit);

    /// <summary>Stops sending, waits for what is outstanding, and has the checker judge.</summary>
    /// <exception cref="InvalidOperationException">The checker found something: figures are worthless.</exception>
    public async Task<LoadReport> FinishAsync()
    {
        await _stop.CancelAsync();
        await _sending;
        var context = new ScenarioContext(_run, _fleet, _progress, _own, _own);
        await context.DrainAsync(CancellationToken.None);
        await ReadBack.AllRoomsAsync(_run, _fleet, CancellationToken.None);
        var measured = Measurement.Begin(_run, _own, _own).End();
        var report = context.Report(measured, new LoadReport.Connects(0, 0, 0, null));
        return report.Verdict.IsClean
            ? report
            : throw new InvalidOperationException($"the checker found: {report.Verdict}\n{string.Join('\n', report.Verdict.Examples.Concat(report.Notes))}");
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _sending;
        await _fleet.DisposeAsync();
        await _progress.DisposeAsync();
        _run.Dispose();
        _stop.Dispose();
    }
}
