using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace DChat.Benchmarks.Micro;

/// <summary><c>micro [FILTER]</c>: the micro-benchmarks, as short jobs in this process.</summary>
internal static class MicroCommand
{
    public static int Run(string[] arguments)
    {
        // In this process: the generated projects of the default toolchain would have to restore packages.
        var config = DefaultConfig.Instance.AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance));
        string[] filter = arguments.Length == 0 ? ["--filter", "*"] : ["--filter", .. arguments];
        var summaries = BenchmarkSwitcher.FromAssembly(typeof(MicroCommand).Assembly).Run(filter, config);
        return summaries.Any(summary => summary.HasCriticalValidationErrors || summary.Reports.Any(report => !report.Success)) ? 1 : 0;
    }
}
