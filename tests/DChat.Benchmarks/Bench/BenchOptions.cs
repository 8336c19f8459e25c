using DChat.Benchmarks.Bench.Registries;

namespace DChat.Benchmarks.Bench;

/// <summary>What <c>bench</c> measures, and how thoroughly.</summary>
internal sealed record BenchOptions
{
    public static BenchOptions Thorough { get; } = new()
    {
        Repeats = 3,
        Duration = TimeSpan.FromSeconds(15),
        Warmup = TimeSpan.FromSeconds(5),
        Connections = 10_000,
        LargeRoom = 1_000_000,
        Resumers = 5_000,
        Kills = 100,
        Silences = 20,
        CoordinatorKills = 10,
        LeaderKills = 50,
        Drains = 12,
        BetweenFaults = TimeSpan.FromSeconds(0.5),
        Registry = RegistrySize.Aim,
    };

    /// <summary>For a fast look: shorter, smaller, once. Its figures are no measurements.</summary>
    public static BenchOptions Quick { get; } = new()
    {
        Repeats = 1,
        Duration = TimeSpan.FromSeconds(4),
        Warmup = TimeSpan.FromSeconds(2),
        Connections = 2_000,
        LargeRoom = 50_000,
        Resumers = 1_000,
        Kills = 10,
        Silences = 4,
        CoordinatorKills = 3,
        LeaderKills = 5,
        Drains = 4,
        BetweenFaults = TimeSpan.FromSeconds(0.5),
        Registry = RegistrySize.Tenth,
    };

    /// <summary>Each figure is the median of so many runs, in which the servers take turns.</summary>
    public int Repeats { get; init; }

    public TimeSpan Duration { get; init; }

    public TimeSpan Warmup { get; init; }

    /// <summary>Of the idle scenario.</summary>
    public int Connections { get; init; }

    /// <summary>Messages in the large room of history and search.</summary>
    public int LargeRoom { get; init; }

    public int Resumers { get; init; }

    /// <summary>Workers killed, one after the other.</summary>
    public int Kills { get; init; }

    /// <summary>Workers frozen and cut off from the network, in turn, one after the other.</summary>
    public int Silences { get; init; }

    public int CoordinatorKills { get; init; }

    /// <summary>Leaders of three coordinators killed, one after the other.</summary>
    public int LeaderKills { get; init; }

    /// <summary>Half of them by signal, half by an administrator's call.</summary>
    public int Drains { get; init; }

    /// <summary>How long a cluster runs undisturbed between two faults.</summary>
    public TimeSpan BetweenFaults { get; init; }

    public RegistrySize Registry { get; init; } = RegistrySize.Aim;

    /// <summary>Where the generated registry is kept for the next time; null: nowhere.</summary>
    public string? RegistryData { get; init; }

    /// <summary>Names of scenarios; empty: all.</summary>
    public IReadOnlyList<string> Only { get; init; } = [];

    /// <summary>Lines for people while it runs.</summary>
    public Action<string> Tell { get; init; } = _ => { };
}
