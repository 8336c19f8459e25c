namespace DChat.Terminal.Load.Scenarios;

/// <summary>Puts messages into rooms: one writer a room, as fast as it goes.</summary>
internal static class Filling
{
    private const int Window = 256;

    /// <summary>Nothing fills slower than this many messages a second in all, or it is given up.</summary>
    private const int MessagesPerSecondMin = 500;

    private static readonly TimeSpan LimitMin = TimeSpan.FromSeconds(60);

    public static IReadOnlyList<LoadClient> Writers(ScenarioContext context) =>
        [.. context.Run.Rooms.Select(room => context.Fleet.Clients[room.Members[0]]).Distinct()];

    /// <summary>Each writer sends <paramref name="each"/> messages, all of which are answered when this returns.</summary>
    public static async Task RunAsync(ScenarioContext context, IReadOnlyList<LoadClient> writers, int each, CancellationToken cancellation)
    {
        context.Progress.Enter("filling");
        foreach (var writer in writers)
        {
            writer.IsSender = true;
            writer.Quota = each;
        }

        context.Run.Window = Window;
        foreach (var writer in writers)
        {
            writer.StartWindow();
        }

        var limit = TimeSpan.FromSeconds((double)each * writers.Count / MessagesPerSecondMin) + LimitMin;
        var filled = await Pace.UntilAsync(() => writers.All(writer => writer is { Quota: 0, Unanswered: 0 }), limit, cancellation);
        context.Run.Window = 0;
        if (!filled)
        {
            throw new CannotStartException($"the rooms were not filled within {limit.TotalSeconds:0} s; first refusal: {context.Run.FirstRefusal ?? "none"}, held back: {context.Run.HeldBack}");
        }
    }
}
