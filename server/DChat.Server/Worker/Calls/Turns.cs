namespace DChat.Server.Worker.Calls;

/// <summary>
/// Lets few do a thing at the same time, and the others wait for their turn: where thousands come at once, what has to be quick meanwhile does
/// not stand behind all of them in the thread pool's queue.
/// </summary>
/// <param name="atOnce">How many.</param>
internal sealed class Turns(int atOnce) : IDisposable
{
    /// <summary>How long a turn is kept by one that waits for something itself: a silent host or store does not hold all the others up.</summary>
    private static readonly TimeSpan KeptMax = TimeSpan.FromMilliseconds(100);

    /// <summary>How long anybody waits for a turn; then it goes on without one.</summary>
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim free = new(atOnce);

    public async ValueTask<T> RunAsync<TState, T>(TState state, Func<TState, ValueTask<T>> work)
    {
        if (!await free.WaitAsync(WaitMax).ConfigureAwait(false))
        {
            return await work(state).ConfigureAwait(false);
        }

        Task<T> working;
        try
        {
            working = work(state).AsTask();
            await ((Task)working).WaitAsync(KeptMax).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        finally
        {
            free.Release();
        }

        return await working.ConfigureAwait(false);
    }

    public void Dispose() => free.Dispose();
}
