namespace DChat.Benchmarks.Bench;

/// <summary><c>bench [--quick] [--only a,b] [--repeats N] [--registry-data FOLDER]</c>: the load scenarios, and a table.</summary>
internal static class BenchCommand
{
    public static async Task<int> RunAsync(string[] arguments)
    {
        if (!TryRead(arguments, out var options, out var error))
        {
            await Console.Error.WriteLineAsync($"{error}\nbench [--quick] [--only {string.Join(',', BenchScenarios.All.Select(each => each.Name))}] [--repeats N] [--registry-data FOLDER]");
            return 2;
        }

        var rows = new List<Row>();
        var failed = false;
        foreach (var scenario in BenchScenarios.All.Where(each => options.Only.Count == 0 || options.Only.Contains(each.Name)))
        {
            options.Tell($"{scenario.Name}: {scenario.About}");
            try
            {
                rows.AddRange(await scenario.RunAsync(options));
            }
            catch (Exception failure)
            {
                failed = true; // Whatever it is, the figures of the other scenarios are worth something.
                await Console.Error.WriteLineAsync($"{scenario.Name} gave no figures: {failure.Message}");
            }
        }

        Console.WriteLine();
        Console.Write(ResultTable.Write(Machine.Describe(), rows));
        return failed ? 1 : 0;
    }

    private static bool TryRead(string[] arguments, out BenchOptions options, out string error)
    {
        options = arguments.Contains("--quick") ? BenchOptions.Quick : BenchOptions.Thorough;
        options = options with { Tell = Console.WriteLine };
        error = "";
        for (var at = 0; at < arguments.Length; at++)
        {
            switch (arguments[at])
            {
                case "--quick":
                    break;
                case "--only" when at + 1 < arguments.Length:
                    options = options with { Only = arguments[++at].Split(',') };
                    break;
                case "--repeats" when at + 1 < arguments.Length && int.TryParse(arguments[at + 1], out var repeats) && repeats is > 0 and <= 100:
                    options = options with { Repeats = repeats };
                    at++;
                    break;
                case "--registry-data" when at + 1 < arguments.Length:
                    options = options with { RegistryData = arguments[++at] };
                    break;
                default:
                    error = $"bench: {arguments[at]} is not understood";
                    return false;
            }
        }

        var unknown = options.Only.Except(BenchScenarios.All.Select(each => each.Name)).FirstOrDefault();
        error = unknown is null ? "" : $"bench: --only {unknown}: there is no such scenario";
        return unknown is null;
    }
}
