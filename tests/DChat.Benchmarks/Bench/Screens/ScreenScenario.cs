using System.Diagnostics;
using System.Globalization;

namespace DChat.Benchmarks.Bench.Screens;

/// <summary>What the terminal client costs: to start, to type into while messages stream in, and to keep many rooms.</summary>
internal static class ScreenScenario
{
    private const int Rooms = 50;
    private const int MessagesPerRoom = 2_000;
    private const int MessagesPerSecond = 1_000;
    private const int Starts = 10;
    private const double Mebi = 1024 * 1024;

    /// <summary>Letters that nobody writes and that stand nowhere else on the screen.</summary>
    private const string Letters = "жщюябфцэйлдгшъы";

    /// <summary>Between two keys: faster than people type.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(40);

    public static async Task<IReadOnlyList<Row>> RunAsync(BenchOptions options)
    {
        var (starts, typing, cores, rates, memory, whole) = (new List<double>(), new List<double>(), new List<double>(), new List<double>(), new List<double>(), new List<double>());
        await using var world = await ScreenWorld.StartAsync(Rooms + 1);
        await world.FillAsync(world.Rooms.Take(Rooms), MessagesPerRoom);
        for (var repeat = 0; repeat < options.Repeats; repeat++)
        {
            starts.Add(await StartAsync(world));
            options.Tell(string.Create(CultureInfo.InvariantCulture, $"screen: first screen after {starts[^1]:0} ms"));
            var (p99, load, rate) = await TypeAsync(world, options);
            typing.Add(p99);
            cores.Add(load);
            rates.Add(rate);
            options.Tell(string.Create(CultureInfo.InvariantCulture, $"screen: at {rate:N0} messages/s a key is shown after {p99:0.0} ms (p99), {load:0.00} cores"));
            var (visited, loaded) = await KeepAsync(world);
            memory.Add(visited);
            whole.Add(loaded);
            options.Tell(string.Create(CultureInfo.InvariantCulture, $"screen: {visited:0} MiB with {Rooms} rooms, {loaded:0} MiB with all their {Rooms * MessagesPerRoom:N0} messages"));
        }

        return
        [
            Row.AtMost("screen", "start to first screen, ms", new Series(starts), 300),
            Row.AtLeast("screen", "messages/s into the open room", new Series(rates), MessagesPerSecond * 0.95),
            Row.AtMost("screen", "key to screen then, p99 ms", new Series(typing), 50),
            Row.AtMost("screen", "cores then", new Series(cores), 1),
            Row.AtMost("screen", "MiB, 50 rooms visited", new Series(memory), 150),
            Row.AtMost("screen", "MiB, all 100,000 messages loaded", new Series(whole), 150),
        ];
    }

    /// <returns>Milliseconds from the command to the first frame, the median of several.</returns>
    private static async Task<double> StartAsync(ScreenWorld world)
    {
        var times = new List<double>();
        for (var i = 0; i < Starts; i++)
        {
            await using var terminal = await world.OpenTerminalAsync();
            times.Add((await terminal.FirstFrameAsync()).TotalMilliseconds);
        }

        return new Series(times).Median;
    }

    private static async Task<(double P99, double Cores, double Rate)> TypeAsync(ScreenWorld world, BenchOptions options)
    {
        await using var terminal = await world.OpenTerminalAsync();
        await terminal.FirstFrameAsync();
        await OpenRoomAsync(terminal, Name(Rooms));
        using var stop = new CancellationTokenSource();
        var writing = world.WriteAsync(world.Rooms[Rooms], MessagesPerSecond, stop.Token);
        await Task.Delay(options.Warmup, CancellationToken.None);

        var times = new List<double>();
        var (cpu, started) = (terminal.CpuTime, Stopwatch.GetTimestamp());
        for (var i = 0; Stopwatch.GetElapsedTime(started) < options.Duration; i++)
        {
            if (i % Letters.Length == 0)
            {
                await terminal.PressAsync("C-u");
            }

            await Task.Delay(Pause, CancellationToken.None);
            terminal.Skip();
            var pressed = Stopwatch.GetTimestamp();
            await terminal.TypeAsync(Letters[i % Letters.Length].ToString());
            await terminal.WritesAsync(Letters[i % Letters.Length].ToString());
            times.Add(Stopwatch.GetElapsedTime(pressed).TotalMilliseconds);
        }

        var cores = (terminal.CpuTime - cpu).TotalSeconds / Stopwatch.GetElapsedTime(started).TotalSeconds;
        await stop.CancelAsync();
        var rate = await writing;
        await terminal.PressAsync("C-u");
        await terminal.ShowsAsync(screen => screen.Contains($"Message #{Name(Rooms)}", StringComparison.Ordinal), "the empty input");
        return (times.Order().ElementAt((int)(times.Count * 0.99)), cores, rate);
    }

    /// <returns>MiB after every room was opened, and after every room was scrolled to its first message.</returns>
    private static async Task<(double Visited, double Loaded)> KeepAsync(ScreenWorld world)
    {
        await using var terminal = await world.OpenTerminalAsync();
        await terminal.FirstFrameAsync();
        for (var i = 0; i < Rooms; i++)
        {
            await OpenRoomAsync(terminal, Name(i));
        }

        var visited = terminal.ResidentBytes / Mebi;
        for (var i = 0; i < Rooms; i++)
        {
            await OpenRoomAsync(terminal, Name(i));
            await terminal.PressAsync("C-Home");
            await terminal.ShowsAsync(screen => screen.Contains($"The beginning of #{Name(i)}", StringComparison.Ordinal), $"the beginning of {Name(i)}");
        }

        return (visited, terminal.ResidentBytes / Mebi);
    }

    private static string Name(int room) => string.Create(CultureInfo.InvariantCulture, $"room-{room:00}");

    private static async Task OpenRoomAsync(ControlledTerminal terminal, string room)
    {
        await terminal.ShowsAsync(screen => screen.Contains("online", StringComparison.Ordinal), "the connection");
        await terminal.PressAsync("C-k");
        await terminal.TypeAsync(room);
        await terminal.ShowsAsync(screen => screen.Contains(room, StringComparison.Ordinal), room);
        await terminal.PressAsync("Enter");
        await terminal.ShowsAsync(screen => screen.Contains($"Message #{room}", StringComparison.Ordinal), $"the open {room}");
    }
}
