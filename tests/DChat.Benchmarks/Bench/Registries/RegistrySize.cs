namespace DChat.Benchmarks.Bench.Registries;

/// <summary>How much a generated registry holds.</summary>
/// <param name="TailEntries">Log entries after the snapshot, each with one join.</param>
internal sealed record RegistrySize(int Accounts, int Rooms, int Memberships, int TailEntries)
{
    /// <summary>A snapshot is written every 10,000 entries: this one soon after the start.</summary>
    private const int AlmostDue = 9_600;

    /// <summary>What one cluster is designed for.</summary>
    public static RegistrySize Aim { get; } = new(1_000_000, 100_000, 5_000_000, AlmostDue);

    public static RegistrySize Tenth { get; } = new(100_000, 10_000, 500_000, AlmostDue);
}
