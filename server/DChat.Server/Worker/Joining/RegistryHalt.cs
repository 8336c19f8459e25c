namespace DChat.Server.Worker.Joining;

/// <summary>
/// Whether this worker's registry cannot go on: a newer program wrote what comes next, what it holds was lost from the log, or it shows another process
/// as this worker. By such a registry nobody is served: the worker looks for no coordinator any more, waits for nothing that the registry would show, and its process ends with a failure.
/// </summary>
internal sealed partial class RegistryHalt : BackgroundService
{
    private readonly ILogger<RegistryHalt> _log;
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _halted = new();
    private Exception? _why;

    public RegistryHalt(ILogger<RegistryHalt> log)
    {
        _log = log;
        Halted = _halted.Token; // To be asked for after the end, too.
    }

    /// <summary>Why, for people; null: it goes on.</summary>
    public Exception? Why => Volatile.Read(ref _why);

    public bool IsHalted => Why is not null;

    /// <summary>Cancelled for good when it cannot go on.</summary>
    public CancellationToken Halted { get; }

    /// <summary>It cannot go on. The first reason counts.</summary>
    public void Halt(Exception why)
    {
        if (Interlocked.CompareExchange(ref _why, why, null) is null)
        {
            CannotGoOn(_log, why.Message);
            _halted.Cancel();
            _end.TrySetResult();
        }
    }

    public override void Dispose()
    {
        _halted.Dispose();
        base.Dispose();
    }

    /// <summary>Fails where the registry cannot go on, and the process with it.</summary>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await _end.Task.WaitAsync(stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (Why is { } why)
        {
            throw why;
        }
    }

    [LoggerMessage(3105, LogLevel.Critical, "this worker cannot go on: it serves nobody any more and ends. {Why}")]
    private static partial void CannotGoOn(ILogger log, string why);
}
