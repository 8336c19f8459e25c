namespace DChat.Terminal.Load.Scenarios;

/// <summary>What a scenario works with, and what it fills into the report.</summary>
internal sealed record ScenarioContext(LoadRun Run, Fleet Fleet, Progress Progress, ProcessMeter Own, ProcessMeter Server)
{
    /// <summary>How long after its duration a measurement goes on for want of sends.</summary>
    private static readonly TimeSpan SendsMinPatience = TimeSpan.FromMinutes(2);

    public LoadOptions Options => Run.Options;

    public List<string> Notes { get; } = [];

    /// <summary>Rooms that nobody could read back.</summary>
    private int RoomsUnread { get; set; }

    /// <summary>Sends that had no answer when all should have had theirs.</summary>
    private int Unanswered { get; set; }

    public async Task<LoadReport.Connects> ConnectAsync(IReadOnlyCollection<LoadClient> clients, CancellationToken cancellation)
    {
        Progress.Enter("connecting");
        var started = LoadRun.Now;
        await Fleet.ConnectAsync(clients, Options.ConnectsPerSecond, cancellation);
        var seconds = LoadMeter.Microseconds(LoadRun.Now - started) / 1e6;
        return new LoadReport.Connects(clients.Count, seconds, clients.Count / seconds, LoadReport.Latency.Of(Fleet.ConnectLatency));
    }

    /// <summary>Measures for as long as the options say.</summary>
    public async Task<Measurement> MeasureAsync(CancellationToken cancellation)
    {
        Progress.Enter("measuring");
        var measurement = Measurement.Begin(Run, Own, Server);
        var before = Run.Sends;
        await Task.Delay(Options.Duration, cancellation);
        if (Options.UntilInputEnds)
        {
            await Console.OpenStandardInput().CopyToAsync(Stream.Null, cancellation);
        }

        if (!await Pace.UntilAsync(() => Run.Sends - before >= Options.SendsMin || NobodySends(), SendsMinPatience, cancellation))
        {
            Notes.Add($"only {Run.Sends - before} of at least {Options.SendsMin} sends were made in {Options.Duration + SendsMinPatience}");
        }

        return measurement.End();
    }

    /// <summary>All connections are lost, and not made again.</summary>
    private bool NobodySends() => !Options.Reconnect && Fleet.Clients.All(client => !client.IsUp);

    /// <summary>Waits until everything sent is answered and every client has seen all there is.</summary>
    public async Task DrainAsync(CancellationToken cancellation)
    {
        Progress.Enter("draining");
        var drained = await Pace.UntilAsync(
            () => Fleet.Clients.All(client => client.HasLeft || (client.Unanswered == 0 && client.IsCaughtUp && !client.IsMarking))
                && Run.Checker.Views.All(view => view.IsComplete),
            Options.Drain,
            cancellation);
        if (!drained)
        {
            var down = Fleet.Clients.Where(client => !client.IsUp && !client.HasLeft).ToList();
            var behind = Fleet.Clients.SelectMany(client => client.Memberships).Where(membership => !membership.IsLive || membership.View is not { IsComplete: true }).ToList();
            Unanswered = Fleet.Clients.Sum(client => client.Unanswered);
            Notes.Add($"after {Options.Drain.TotalSeconds} s still outstanding: {Unanswered} answers, {down.Count} clients not connected{(down.Count > 0 ? $" ({down[0].LastFailure})" : "")}, {behind.Count} views not complete{(behind.Count > 0 ? $" ({behind[0]})" : "")}");
        }
    }

    /// <summary>Reads the history of all rooms, for the checker to compare.</summary>
    public async Task ReadBackAsync(CancellationToken cancellation)
    {
        Progress.Enter("reading back");
        RoomsUnread = await ReadBack.AllRoomsAsync(Run, Fleet, cancellation);
        if (RoomsUnread > 0)
        {
            Notes.Add($"{RoomsUnread} rooms could not be read back: none of their members is connected");
        }
    }

    /// <summary>The part of the report that every scenario has.</summary>
    public LoadReport Report(Measurement measured, LoadReport.Connects connects) => new()
    {
        Scenario = Options.Scenario.ToString(),
        Server = string.Join(',', Options.Servers),
        Users = Options.Users,
        Rooms = Run.Rooms.Count,
        MembersPerRoom = Options.EffectiveMembers,
        Seed = Options.Seed,
        Seconds = measured.Seconds,
        Sends = Math.Min(Run.Sends, LoadOptions.SendsMax),
        Acknowledged = Run.Meter.Acknowledgements,
        Refused = Run.Refusals,
        HeldBack = Run.HeldBack,
        Repeated = Run.Repeated,
        FirstRefusal = Run.FirstRefusal,
        FirstHeldBack = Run.FirstHeldBack,
        Reconnects = Run.Reconnects,
        Resyncs = Run.Resyncs,
        Resets = Run.Resets,
        Marks = Run.Marks.Answered,
        MarksUnanswered = Run.Marks.Unanswered,
        Unanswered = Unanswered,
        RoomsUnread = RoomsUnread,
        Deliveries = measured.Deliveries,
        DeliveriesPerSecond = measured.Deliveries / measured.Seconds,
        AcksPerSecond = measured.Acknowledged / measured.Seconds,
        SendToAck = LoadReport.Latency.Of(Run.Meter.AckLatency),
        SendToDelivery = LoadReport.Latency.Of(Run.Meter.DeliveryLatency),
        Connecting = connects,
        OwnCpuSeconds = measured.OwnCpuSeconds,
        OwnCpuShare = measured.OwnCpuSeconds / measured.Seconds / Environment.ProcessorCount,
        ServerProcesses = measured.Server,
        Verdict = Run.Checker.Conclude(),
        Notes = Notes,
    };
}
