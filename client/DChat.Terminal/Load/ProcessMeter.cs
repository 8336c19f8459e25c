using System.ComponentModel;
using System.Diagnostics;

namespace DChat.Terminal.Load;

/// <summary>CPU time and resident memory of a process. Zeros where there is none to look at.</summary>
internal sealed class ProcessMeter : IDisposable
{
    private readonly Process? _process;

    private ProcessMeter(Process? process) => _process = process;

    public static ProcessMeter Own() => new(Process.GetCurrentProcess());

    /// <param name="pid">0: none.</param>
    /// <exception cref="CannotStartException">There is no such process.</exception>
    public static ProcessMeter Of(int pid)
    {
        try
        {
            return new ProcessMeter(pid == 0 ? null : Process.GetProcessById(pid));
        }
        catch (ArgumentException failure)
        {
            throw new CannotStartException($"--server-pid {pid}: there is no such process", failure) { ExitCode = ExitCodes.Usage };
        }
    }

    public Sample Read()
    {
        try
        {
            _process?.Refresh();
            return _process is null or { HasExited: true }
                ? default
                : new Sample(_process.TotalProcessorTime.TotalSeconds, _process.WorkingSet64);
        }
        catch (Exception failure) when (failure is InvalidOperationException or Win32Exception)
        {
            // It ended between the question and the answer.
            return default;
        }
    }

    public void Dispose() => _process?.Dispose();

    internal readonly record struct Sample(double CpuSeconds, long ResidentBytes);
}
