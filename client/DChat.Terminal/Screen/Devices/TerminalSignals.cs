using System.Runtime.InteropServices;

namespace DChat.Terminal.Screen;

/// <summary>What the operating system tells a program in a terminal: another size, stop, go on, end. Ends also on an exception that nobody caught.</summary>
internal sealed class TerminalSignals : IDisposable
{
    private readonly SystemTerminal _terminal;
    private readonly List<PosixSignalRegistration> _registrations = [];

    public TerminalSignals(SystemTerminal terminal)
    {
        _terminal = terminal;
        AppDomain.CurrentDomain.ProcessExit += OnEnd;
        AppDomain.CurrentDomain.UnhandledException += OnEnd;

        // These end the process, by whoever handles them else, after the terminal was given back.
        Register(PosixSignal.SIGINT, _ => terminal.Close());
        Register(PosixSignal.SIGTERM, _ => terminal.Close());
        Register(PosixSignal.SIGHUP, _ => terminal.Close());
        Register(PosixSignal.SIGQUIT, _ => terminal.Close());
        if (!OperatingSystem.IsWindows())
        {
            Register(PosixSignal.SIGWINCH, _ => terminal.CheckSize());
            Register(PosixSignal.SIGCONT, signal =>
            {
                // Otherwise the runtime would set the modes that it found at the start.
                signal.Cancel = true;
                terminal.Resume();
            });
            Register(PosixSignal.SIGTSTP, signal =>
            {
                signal.Cancel = true;
                terminal.Suspend();
            });
        }
    }

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnEnd;
        AppDomain.CurrentDomain.UnhandledException -= OnEnd;
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }
    }

    private void Register(PosixSignal signal, Action<PosixSignalContext> handle) => _registrations.Add(PosixSignalRegistration.Create(signal, handle));

    private void OnEnd(object? sender, EventArgs e) => _terminal.Close();
}
