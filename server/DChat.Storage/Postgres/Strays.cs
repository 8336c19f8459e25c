namespace DChat.Storage.Postgres;

/// <summary>
/// Calls that nobody waits for any more: the driver gives a silent server up only after it has asked it in vain to stop, which takes as long
/// again as the limit, and never what commits. Their outcome is not wanted; whoever closes the store waits for their end, and no longer than for a silent server:
/// what waits for a standby goes on by itself.
/// </summary>
internal sealed class Strays : IAsyncDisposable
{
    /// <summary>Twice the limit of a call, and a little.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds((2 * PostgresSources.LimitSeconds) + 1);

    private readonly Lock _lock = new();
    private readonly HashSet<Task> _tasks = [];

    public void Keep(Task task)
    {
        lock (_lock)
        {
            // Looking at the exception is all that anybody wants of it.
            _tasks.RemoveWhere(each => each.IsCompleted && each.Exception is var _);
            _tasks.Add(task);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task[] tasks;
        lock (_lock)
        {
            tasks = [.. _tasks];
        }

        await Task.WhenAll(tasks).WaitAsync(Longest).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
