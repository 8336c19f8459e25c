using System.Globalization;
using DChat.TestKit;

namespace DChat.Cluster.Tests.Chaos;

/// <summary>What is done to processes and hosts, for as long as the seed says, and undone.</summary>
/// <param name="longestMs">How long it lasts at most.</param>
/// <param name="mayLast">But for one cut in ten, and one freeze.</param>
internal sealed class FaultActions(Random random, int longestMs, bool mayLast)
{
    /// <summary>What a cut takes that is noticed by silence alone until clients are sent to others (ADR 0134), and longer; and longer than a change is held.</summary>
    private const int LastingMsMin = 15_000, LastingMsMax = 30_000;

    private const int OneInLasts = 10;

    /// <summary>How often a program that does not start is started again, as systemd does: its store may be away.</summary>
    public static readonly TimeSpan StartAgainAfter = TimeSpan.FromMilliseconds(500);

    public static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How far a clock jumps at most, in seconds, ahead or back. Two that jump at once are less than 10 minutes from each other, beyond which a leader refuses commands.
    /// </summary>
    private const int JumpSecondsMax = 240;

    /// <summary>The fault itself: how long it lasts.</summary>
    public Task<string> WaitAsync() => WaitAsync(random.Next(200, longestMs));

    private static async Task<string> WaitAsync(int lasts)
    {
        await Task.Delay(lasts);
        return string.Create(CultureInfo.InvariantCulture, $"for {lasts} ms");
    }

    public async Task<string> KillAsync(ServerProcess process)
    {
        await process.KillAsync();
        var lasted = await WaitAsync();
        await StartAgainAsync(process);
        return lasted;
    }

    public async Task<string> FreezeAsync(ServerProcess process)
    {
        process.Freeze();
        var lasted = await LastAsync();
        process.Thaw();
        return lasted;
    }

    public async Task<string> CutAsync(TestHost host, IReadOnlyList<string> others, Way way)
    {
        await host.CutAsync(others, way);
        var lasted = await LastAsync();
        await host.HealAsync();
        return way switch { Way.In => "it hears nothing ", Way.Out => "nobody hears it ", _ => "" } + lasted;
    }

    private Task<string> LastAsync() => mayLast && random.Next(OneInLasts) == 0 ? WaitAsync(random.Next(LastingMsMin, LastingMsMax)) : WaitAsync();

    /// <summary>The wall clock of a process jumps, and back to the right time at the end.</summary>
    public async Task<string> JumpAsync(ServerProcess process)
    {
        var ahead = TimeSpan.FromSeconds(random.Next(1, JumpSecondsMax) * (random.Next(2) == 0 ? 1 : -1));
        process.Clock!.Set(ahead);
        var lasted = await WaitAsync();
        process.Clock.Set(TimeSpan.Zero);
        return string.Create(CultureInfo.InvariantCulture, $"by {ahead.TotalSeconds:+0;-0} s {lasted}");
    }

    public static Task StartAgainAsync(ServerProcess process) => Eventually.Holds(
        async () =>
        {
            try
            {
                await process.RestartAsync();
                return true;
            }
            catch (InvalidOperationException)
            {
                await process.KillAsync();
                await Task.Delay(StartAgainAfter);
                return false;
            }
        },
        StartLimit);
}
