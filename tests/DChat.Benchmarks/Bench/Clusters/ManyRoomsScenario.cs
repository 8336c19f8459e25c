namespace DChat.Benchmarks.Bench.Clusters;

/// <summary>Whether the same deliveries cost more where they are spread over many rooms, and what a room and a connection hold of memory.</summary>
internal static class ManyRoomsScenario
{
    private const string Name = "many-rooms";
    private const int FewRooms = 100;
    private const int ManyRooms = 20_000;
    private const int Users = 2_000;
    private const double Tolerance = 1.25;
    private const double Kibi = 1024;

    public static async Task<IReadOnlyList<Row>> RunAsync(BenchOptions options)
    {
        await using var few = await LoadedCluster.StartAsync($"{FewRooms:N0} rooms", hosts: 1);
        await using var many = await LoadedCluster.StartAsync($"{ManyRooms:N0} rooms", hosts: 1);
        await few.WarmUpAsync(Load(FewRooms, WorkersScenario.Seconds(WorkersScenario.WarmUp(options))));
        await many.WarmUpAsync(Load(ManyRooms, WorkersScenario.Seconds(WorkersScenario.WarmUp(options))));
        for (var repeat = 0; repeat < WorkersScenario.Repeats(options); repeat++)
        {
            await few.RunAsync(options.Tell, Load(FewRooms, WorkersScenario.RunSeconds(options)));
            await many.RunAsync(options.Tell, Load(ManyRooms, WorkersScenario.RunSeconds(options)));
        }

        await using var idle = await LoadedCluster.StartAsync("idle connections", hosts: 1);
        var connection = await idle.BytesPerConnectionAsync(options.Connections, roomMembers: 50);
        return
        [
            Row.Untargeted(Name, "100 rooms: CPU s a million deliveries", few.WorkersPerMillion),
            Row.AtMost(Name, "20,000 rooms, the same", many.WorkersPerMillion, few.WorkersPerMillion, Tolerance),
            Row.Untargeted(Name, "PostgreSQL with 20,000 rooms, against 100", many.PostgresPerMillion, few.PostgresPerMillion),
            Row.Untargeted(Name, "worker: KiB a room with 20 members connected", Each(many, few, ManyRooms - FewRooms)),
            Row.Untargeted(Name, "worker: KiB a connection in one room of 50", new Series([connection / Kibi])),
        ];

        static string[] Load(int rooms, string seconds) =>
            ["--prefix", "bench-", "--users", $"{Users}", "--rooms", $"{rooms}", "--members", "20", "--deliveries", "10000", "--no-read-back", "--warmup", "3", "--duration", seconds];
    }

    private static Series Each(LoadedCluster more, LoadedCluster less, int rooms) =>
        new([.. more.WorkersResident.Values.Select(bytes => (bytes - less.WorkersResident.Median) / rooms / Kibi)]);
}
