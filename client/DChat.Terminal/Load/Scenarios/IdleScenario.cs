namespace DChat.Terminal.Load.Scenarios;

/// <summary>Clients connect and then say nothing: what a connection costs, and how fast connections are made.</summary>
internal static class IdleScenario
{
    /// <summary>One client in this many connects first, so that the server's memory is measured when its code is loaded and warm.</summary>
    private const int WarmOneIn = 20;

    public static async Task<LoadReport> RunAsync(ScenarioContext context, CancellationToken cancellation)
    {
        var clients = context.Fleet.Clients;
        var first = clients.Take(Math.Max(1, clients.Count / WarmOneIn)).ToList();
        var rest = clients.Skip(first.Count).ToList();
        await context.ConnectAsync(first, cancellation);
        await Task.Delay(context.Options.Warmup, cancellation);
        var before = context.Server.Read();
        var connects = await context.ConnectAsync(rest, cancellation);
        var measured = await context.MeasureAsync(cancellation);
        var lost = clients.Count(client => !client.IsUp);
        if (lost > 0)
        {
            context.Notes.Add($"{lost} connections were lost while idle: {clients.First(client => !client.IsUp).LastFailure}");
        }

        return context.Report(measured, connects) with
        {
            BytesPerConnection = (double)(measured.Server.Sum(process => process.ResidentBytes) - before.ResidentBytes) / Math.Max(1, rest.Count),
        };
    }
}
