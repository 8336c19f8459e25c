using DChat.Benchmarks.Bench;
using DChat.Benchmarks.Micro;
using DChat.Benchmarks.Yardsticks;

switch (args)
{
    case [] or ["bench", ..]:
        return await BenchCommand.RunAsync(args.Length == 0 ? [] : args[1..]);
    case ["micro", ..]:
        return MicroCommand.Run(args[1..]);
    case ["bare-hub", "--port", var port]:
        return await BareHubServer.RunAsync(int.Parse(port), CancellationToken.None);
    case ["raw-broadcaster", "--port", var port]:
        return await RawBroadcaster.RunAsync(int.Parse(port), CancellationToken.None);
    case ["bare-insert"]:
        Console.WriteLine($"{BareInsert.RowsPerSecond(TimeSpan.FromSeconds(10)):N0} rows/s");
        return 0;
    default:
        await Console.Error.WriteLineAsync("bench | micro [FILTER] | bare-hub --port P | raw-broadcaster --port P | bare-insert");
        return 2;
}
