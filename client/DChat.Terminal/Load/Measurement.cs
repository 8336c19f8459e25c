using System.Diagnostics;

namespace DChat.Terminal.Load;

/// <summary>The measured time of a run: what was delivered and acknowledged in it, and the CPU that it cost.</summary>
internal sealed class Measurement
{
    private readonly LoadRun _run;
    private readonly ProcessMeter _own;
    private readonly ProcessMeter _server;
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly ProcessMeter.Sample _ownBefore;
    private readonly ProcessMeter.Sample _serverBefore;
    private readonly long _deliveriesBefore;
    private readonly long _acksBefore;

    private Measurement(LoadRun run, ProcessMeter own, ProcessMeter server)
    {
        _run = run;
        _own = own;
        _server = server;
        _ownBefore = own.Read();
        _serverBefore = server.Read();
        _deliveriesBefore = run.Meter.Deliveries;
        _acksBefore = run.Meter.Acknowledgements;
        run.Meter.Measuring = true;
    }

    public double Seconds { get; private set; }

    public long Deliveries { get; private set; }

    public long Acknowledged { get; private set; }

    public double OwnCpuSeconds { get; private set; }

    /// <summary>Of each of the server's processes; none where they are unknown.</summary>
    public IReadOnlyList<ProcessMeter.Use> Server { get; private set; } = [];

    public static Measurement Begin(LoadRun run, ProcessMeter own, ProcessMeter server) => new(run, own, server);

    public Measurement End()
    {
        _run.Meter.Measuring = false;
        Seconds = Stopwatch.GetElapsedTime(_started).TotalSeconds;
        Deliveries = _run.Meter.Deliveries - _deliveriesBefore;
        Acknowledged = _run.Meter.Acknowledgements - _acksBefore;
        OwnCpuSeconds = _own.Read().CpuSeconds - _ownBefore.CpuSeconds;
        Server = _server.Read().Since(_serverBefore);
        return this;
    }
}
