using DChat.Server.Cli;
using DChat.Server.Coordinator;
using DChat.Server.Observability;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace DChat.Server.Security;

/// <summary>
/// Hashes and verifies passwords with the framework's <see cref="PasswordHasher{TUser}"/>. That is slow on purpose, so only a few run at
/// once, on pool threads, and chat goes on beside them; more wait their turn.
/// </summary>
public sealed class Passwords : IPasswordHashing, IDisposable
{
    /// <summary>More than these do not wait but fail at once: somebody tries to keep the processors busy.</summary>
    private const int WaitingMax = 1_000;

    private static readonly object Nobody = new();

    private readonly PasswordHasher<object> _hasher = new(Options.Create(new PasswordHasherOptions()));
    private readonly DChatMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _turns;
    private readonly byte[] _unknown;
    private int _waiting;

    public Passwords(LimitsOptions limits, DChatMetrics metrics, TimeProvider time)
    {
        _metrics = metrics;
        _time = time;
        _turns = new SemaphoreSlim(limits.PasswordHashes > 0 ? limits.PasswordHashes : Math.Max(1, Environment.ProcessorCount - 1));
        _unknown = Hash(RandomText.Hex(16));
    }

    /// <exception cref="TimeoutException">Too many wait already; a repeat may succeed.</exception>
    public Task<byte[]> HashAsync(string password, CancellationToken cancellation) =>
        RunAsync(() => Hash(password), cancellation);

    /// <summary>Whether it is the hash's password. Null, the hash of an account that is not there or has none, takes as long and is false.</summary>
    /// <exception cref="TimeoutException">Too many wait already; a repeat may succeed.</exception>
    public Task<bool> VerifyAsync(byte[]? hash, string password, CancellationToken cancellation) => RunAsync(
        () => _hasher.VerifyHashedPassword(Nobody, Convert.ToBase64String(hash ?? _unknown), password) != PasswordVerificationResult.Failed && hash is not null,
        cancellation);

    /// <summary>Without waiting for a turn: for the first administrator at the start.</summary>
    byte[] IPasswordHashing.Hash(string user, string password) => Hash(password);

    public void Dispose() => _turns.Dispose();

    private byte[] Hash(string password) => Convert.FromBase64String(_hasher.HashPassword(Nobody, password));

    private async Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellation)
    {
        var started = _time.GetTimestamp();
        if (Interlocked.Increment(ref _waiting) > WaitingMax)
        {
            Interlocked.Decrement(ref _waiting);
            throw new TimeoutException("too many passwords wait to be checked");
        }

        try
        {
            await _turns.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                return await Task.Run(work, cancellation).ConfigureAwait(false);
            }
            finally
            {
                _turns.Release();
                _metrics.PasswordHashing.Record(_time.GetElapsedTime(started).TotalSeconds);
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }
}
