using System.Globalization;
using System.Runtime.InteropServices;
using DChat.TestKit;

namespace DChat.Benchmarks.Bench;

/// <summary>What the figures were measured on: figures without their machine say nothing.</summary>
internal static class Machine
{
    public static string Describe() => string.Create(
        CultureInfo.InvariantCulture,
        $"{CpuModel()}, {Environment.ProcessorCount} cores, {GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1L << 30):0.0} GiB; {Kernel()}; {RuntimeInformation.FrameworkDescription}, {(ServerBinary.Programs is null ? "compiled just in time" : "compiled ahead of time (ReadyToRun)")}; load generator and server on this one machine, over loopback");

    private static string CpuModel()
    {
        const string Info = "/proc/cpuinfo";
        var model = File.Exists(Info)
            ? File.ReadLines(Info).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))
            : null;
        return model?.Split(':', 2)[1].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();
    }

    private static string Kernel()
    {
        const string Release = "/proc/sys/kernel/osrelease";
        return File.Exists(Release) ? $"Linux {File.ReadAllText(Release).Trim()}" : RuntimeInformation.OSDescription;
    }
}
