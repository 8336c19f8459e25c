using DChat.Protocol;

namespace DChat.Client.Outbox;

/// <summary>Keeps messages that were not sent yet beyond the life of the process. They are sent again with the same <c>clientId</c>, so none is ever sent twice.</summary>
public interface IOutboxStore
{
    /// <summary>Everything that was saved and not removed, in the order in which it was saved.</summary>
    Task<IReadOnlyList<SendRequest>> LoadAsync(CancellationToken cancel);

    /// <summary>Keeps a message; durable when the task completes. Its key is <see cref="SendRequest.ClientId"/>.</summary>
    Task SaveAsync(SendRequest message, CancellationToken cancel);

    /// <summary>Forgets a message that was sent or refused; nothing happens where there is none.</summary>
    Task RemoveAsync(string clientId, CancellationToken cancel);
}
