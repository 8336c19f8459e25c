namespace DChat.Terminal.Ui;

/// <summary>Work that was started and not awaited yet: its failures are told, and the end waits for it.</summary>
internal sealed class OwnedWork(Action<UiEvent> tell) : IAsyncDisposable
{
    /// <summary>How long leaving waits for what is under way.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly Lock gate = new();
    private readonly HashSet<Task> running = [];
    private readonly CancellationTokenSource stop = new();

    /// <summary>Runs it; a failure becomes an event.</summary>
    public void Run(Func<CancellationToken, Task> work)
    {
        var task = GuardAsync(work);
        lock (gate)
        {
            running.RemoveWhere(t => t.IsCompleted);
            running.Add(task);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        Task[] left;
        lock (gate)
        {
            left = [.. running];
        }

        await Task.WhenAll(left).WaitAsync(Patience, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
    }

    private async Task GuardAsync(Func<CancellationToken, Task> work)
    {
        try
        {
            await work(stop.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException && stop.IsCancellationRequested)
        {
            // Leaving: nobody waits for it any more.
            return;
        }
        catch (Exception e)
        {
            tell(new UiEvent.Failed(Problems.Of(e)));
        }
    }
}
