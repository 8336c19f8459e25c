using System.Diagnostics.CodeAnalysis;

namespace DChat.Client.Sessions;

/// <summary>Where the session of one account at one server is kept.</summary>
public interface ISessionStore
{
    /// <summary>The session as it is now, or null where nobody is signed in.</summary>
    Task<Session?> LoadAsync(CancellationToken cancel);

    /// <summary>
    /// Changes it, exclusively: while <paramref name="change"/> runs nobody else, in no other process, changes it.
    /// What <paramref name="change"/> throws goes on to the caller and nothing is changed.
    /// </summary>
    /// <param name="change">Gets the session as it is now; returns what it shall be (null: signed out).</param>
    /// <returns>What it is now.</returns>
    Task<Session?> UpdateAsync(Func<Session?, CancellationToken, Task<Session?>> change, CancellationToken cancel);
}

/// <summary>Keeps the session in memory, for as long as the process lives.</summary>
[SuppressMessage("Reliability", "CA1001", Justification = "A SemaphoreSlim whose wait handle is never taken holds nothing to dispose.")]
public sealed class MemorySessionStore : ISessionStore
{
    private readonly SemaphoreSlim exclusive = new(1, 1);
    private Session? session;

    /// <inheritdoc/>
    public Task<Session?> LoadAsync(CancellationToken cancel) => Task.FromResult(session);

    /// <inheritdoc/>
    public async Task<Session?> UpdateAsync(Func<Session?, CancellationToken, Task<Session?>> change, CancellationToken cancel)
    {
        await exclusive.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            return session = await change(session, cancel).ConfigureAwait(false);
        }
        finally
        {
            exclusive.Release();
        }
    }
}
