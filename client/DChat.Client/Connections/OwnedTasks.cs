using Microsoft.Extensions.Logging;

namespace DChat.Client.Connections;

/// <summary>Owns work that runs beside its caller: its failures are logged, and disposal ends it and waits for it.</summary>
internal sealed partial class OwnedTasks(ILogger logger) : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly HashSet<Task> running = [];
    private bool disposed;

    public CancellationToken Stopping => stop.Token;

    public void Run(Func<CancellationToken, Task> work)
    {
        lock (running)
        {
            if (!disposed)
            {
                var task = ObserveAsync(work);
                running.Add(task);
                // Its continuation runs only after it was added: this lock is held until then.
                _ = task.ContinueWith(Remove, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task[] last;
        lock (running)
        {
            if (disposed)
            {
                return;
            }

            disposed = true;
            last = [.. running];
        }

        await stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(last).ConfigureAwait(false);
        stop.Dispose();
    }

    private async Task ObserveAsync(Func<CancellationToken, Task> work)
    {
        await Task.Yield();
        try
        {
            await work(stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            Log.Ended(logger);
        }
        catch (Exception e)
        {
            Log.Failed(logger, e);
        }
    }

    private void Remove(Task task)
    {
        lock (running)
        {
            running.Remove(task);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(10, LogLevel.Error, "Work of the client failed unexpectedly")]
        public static partial void Failed(ILogger logger, Exception e);

        [LoggerMessage(11, LogLevel.Trace, "Work ended with the client")]
        public static partial void Ended(ILogger logger);
    }
}
