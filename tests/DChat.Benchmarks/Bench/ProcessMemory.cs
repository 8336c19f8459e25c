using System.Globalization;

namespace DChat.Benchmarks.Bench;

/// <summary>What Linux says of a process's resident memory.</summary>
/// <param name="PeakBytes">The most that it ever was.</param>
internal readonly record struct ProcessMemory(long ResidentBytes, long PeakBytes)
{
    public static ProcessMemory Of(int process)
    {
        var status = File.ReadAllLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/status"));
        return new ProcessMemory(Read("VmRSS:"), Read("VmHWM:"));

        long Read(string field) => 1_024 * long.Parse(
            status.First(line => line.StartsWith(field, StringComparison.Ordinal)).Split(' ', '\t', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
