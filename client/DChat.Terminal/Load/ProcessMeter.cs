using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace DChat.Terminal.Load;

/// <summary>CPU time and resident memory of processes, each with its children (on Linux), as PostgreSQL works in those. Zeros for one that is gone.</summary>
internal sealed class ProcessMeter
{
    private readonly IReadOnlyList<int> _pids;

    private ProcessMeter(IReadOnlyList<int> pids) => _pids = pids;

    public static ProcessMeter Own() => new([Environment.ProcessId]);

    /// <param name="pids">None: nothing is measured.</param>
    /// <exception cref="CannotStartException">There is no such process.</exception>
    public static ProcessMeter Of(IReadOnlyList<int> pids)
    {
        foreach (var pid in pids)
        {
            try
            {
                using var process = Process.GetProcessById(pid);
            }
            catch (ArgumentException failure)
            {
                throw new CannotStartException($"--server-pid {pid}: there is no such process", failure) { ExitCode = ExitCodes.Usage };
            }
        }

        return new ProcessMeter(pids);
    }

    public Sample Read() => new([.. _pids.Select(pid => WithChildren(pid).Select(Read).Aggregate((one, other) => new Use(one.CpuSeconds + other.CpuSeconds, one.ResidentBytes + other.ResidentBytes)))]);

    private static IEnumerable<int> WithChildren(int pid)
    {
        yield return pid;
        var path = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/task/{pid}/children");
        foreach (var child in File.Exists(path) ? ReadWords(path) : [])
        {
            yield return int.Parse(child, CultureInfo.InvariantCulture);
        }
    }

    private static string[] ReadWords(string path)
    {
        try
        {
            return File.ReadAllText(path).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        }
        catch (IOException)
        {
            return []; // It ended between the question and the answer.
        }
    }

    private static Use Read(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            return new Use(process.TotalProcessorTime.TotalSeconds, process.WorkingSet64);
        }
        catch (Exception failure) when (failure is ArgumentException or InvalidOperationException or Win32Exception)
        {
            return default; // As above.
        }
    }

    internal readonly record struct Use(double CpuSeconds, long ResidentBytes);

    /// <param name="Each">In the order in which the processes were named.</param>
    internal sealed record Sample(IReadOnlyList<Use> Each)
    {
        public double CpuSeconds => Each.Sum(process => process.CpuSeconds);

        public long ResidentBytes => Each.Sum(process => process.ResidentBytes);

        /// <summary>The CPU of each since an earlier sample; zero for one that is gone.</summary>
        public IReadOnlyList<Use> Since(Sample before) =>
            [.. Each.Zip(before.Each, (now, then) => now with { CpuSeconds = Math.Max(0, now.CpuSeconds - then.CpuSeconds) })];
    }
}
