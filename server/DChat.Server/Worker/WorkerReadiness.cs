using DChat.Core.Messages;
using DChat.Server.Http;
using DChat.Server.Worker.Gateway;

namespace DChat.Server.Worker;

/// <summary>A worker wants no traffic while it drains, and while its message store cannot be written.</summary>
internal sealed class WorkerReadiness(IMessageStore store, ChatGateway gateway) : IReadiness
{
    public async ValueTask<string?> WhyNotReadyAsync(CancellationToken cancellation)
    {
        if (gateway.IsDraining)
        {
            return "This worker is going away.";
        }

        try
        {
            await store.CheckAsync(cancellation).ConfigureAwait(false);
            return null;
        }
        catch (Exception exception) when (exception is MessageStoreUnavailableException or MessageStoreDamagedException)
        {
            return "The message store cannot be used: " + exception.Message;
        }
    }
}
