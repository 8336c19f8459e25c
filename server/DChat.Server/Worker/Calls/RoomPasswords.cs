using DChat.Protocol;
using DChat.Server.Cli;
using DChat.Server.Security;
using Room = DChat.Core.Registry.Room;

namespace DChat.Server.Worker.Calls;

/// <summary>
/// The passwords of rooms. Who guesses one is slowed down as at a login, counted for each user and room; and all of them together take one
/// turn of the hashing at most, so that nobody's login waits for a crowd at a room's door.
/// </summary>
internal sealed class RoomPasswords(Passwords passwords, LimitsOptions limits, TimeProvider time) : IDisposable
{
    /// <summary>Passwords of rooms that wait for their turn; more are answered <c>rate_limited</c>.</summary>
    private const int WaitingMax = 100;

    /// <summary>When to come again where too many wait, in milliseconds.</summary>
    private const long ComeAgainMs = 1_000;

    private readonly LoginLimits attempts = new(limits with { LoginAttemptsPerAddress = 0 }, time);
    private readonly SemaphoreSlim turn = new(1);
    private int waiting;

    public Task<Answer<byte[]>> HashAsync(string password) => InTurnAsync(() => passwords.HashAsync(password, CancellationToken.None));

    /// <summary>Whether it is the room's password; <c>rate_limited</c> where the user failed too often.</summary>
    public async Task<Answer<bool>> VerifyAsync(string user, Room room, string password)
    {
        var attempt = $"{user}/{room.Id}";
        if (!attempts.TryBegin(attempt, null, out var wait))
        {
            return new HubError(ErrorCodes.RateLimited, "too many wrong passwords", Math.Max(1, (long)Math.Ceiling(wait.TotalMilliseconds)));
        }

        var verified = await InTurnAsync(() => passwords.VerifyAsync(room.PasswordHash, password, CancellationToken.None)).ConfigureAwait(false);
        if (verified is { Error: null, Value: true })
        {
            attempts.Succeeded(attempt, null);
        }

        return verified;
    }

    public void Dispose() => turn.Dispose();

    private async Task<Answer<T>> InTurnAsync<T>(Func<Task<T>> work)
    {
        try
        {
            if (Interlocked.Increment(ref waiting) > WaitingMax)
            {
                return new HubError(ErrorCodes.RateLimited, "too many passwords of rooms wait to be checked", ComeAgainMs);
            }

            await turn.WaitAsync(CancellationToken.None).ConfigureAwait(false);
            try
            {
                return await work().ConfigureAwait(false);
            }
            finally
            {
                turn.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref waiting);
        }
    }
}
