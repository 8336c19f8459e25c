using DChat.Core.Messages;
using DChat.Server.Http;
using DChat.Server.Worker.Gateway;

namespace DChat.Server.Worker;

/// <summary>A worker wants no traffic while it drains, while it is cut off from the cluster, and while its message store cannot be written.</summary>
internal sealed class WorkerReadiness(IMessageStore store, ChatGateway gateway, IHostApplicationLifetime lifetime, TimeProvider time) : IReadiness
{
    /// <summary>Anyone may ask, and a check writes: so long its finding serves all who ask.</summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private Task<string?>? _check;
    private long _checkedAt;

    public async ValueTask<string?> WhyNotReadyAsync(CancellationToken cancellation) =>
        lifetime.ApplicationStopping.IsCancellationRequested ? ChatGateway.GoesAway : gateway.WhyClosed ?? await LastCheck().WaitAsync(cancellation).ConfigureAwait(false);

    private Task<string?> LastCheck()
    {
        lock (_lock)
        {
            if (_check is null || (_check.IsCompleted && time.GetElapsedTime(_checkedAt) >= Fresh))
            {
                _checkedAt = time.GetTimestamp();
                _check = CheckAsync();
            }

            return _check;
        }
    }

    private async Task<string?> CheckAsync()
    {
        try
        {
            await store.CheckAsync(CancellationToken.None).ConfigureAwait(false);
            return null;
        }
        catch (Exception exception) when (exception is MessageStoreUnavailableException or MessageStoreDamagedException)
        {
            return "The message store cannot be used: " + exception.Message;
        }
    }
}
