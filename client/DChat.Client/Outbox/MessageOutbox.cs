using System.Diagnostics.CodeAnalysis;
using DChat.Client.Connections;
using DChat.Protocol;

namespace DChat.Client.Outbox;

/// <summary>
/// Sends messages, each room's one after the other, over as many connections as it takes, with the same <c>clientId</c>
/// every time, so the server has each exactly once and in the order in which they were written.
/// </summary>
[SuppressMessage("Reliability", "CA1001", Justification = "A SemaphoreSlim whose wait handle is never taken holds nothing to dispose.")]
internal sealed class MessageOutbox(
    ChatClientOptions options,
    Func<CancellationToken, Task<HubLink>> link,
    OwnedTasks tasks,
    Action<OutgoingMessage> changed)
{
    /// <summary>Rooms that are sent to at the same time.</summary>
    private const int ParallelRooms = 32;

    private static readonly TimeSpan RetryFirst = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan RetryLongest = TimeSpan.FromSeconds(10);

    private readonly Lock gate = new();
    private readonly Dictionary<string, LinkedList<OutgoingMessage>> lanes = [];
    private readonly LinkedList<OutgoingMessage> all = [];
    private Task saving = Task.CompletedTask;
    private readonly SemaphoreSlim parallel = new(ParallelRooms, ParallelRooms);
    private readonly SemaphoreSlim places = new(options.OutboxMax, options.OutboxMax);

    /// <summary>Everything that is not sent yet, in the order in which it was written.</summary>
    public IReadOnlyList<OutgoingMessage> Unsent
    {
        get
        {
            lock (gate)
            {
                return [.. all];
            }
        }
    }

    /// <summary>Takes up what an earlier process left.</summary>
    public async Task RestoreAsync(CancellationToken cancel)
    {
        if (options.OutboxStore is { } store)
        {
            foreach (var request in await store.LoadAsync(cancel).ConfigureAwait(false))
            {
                Enqueue(new OutgoingMessage(request, options.Time.GetUtcNow()) { HoldsPlace = places.Wait(0, CancellationToken.None) }, saved: true);
            }
        }
    }

    /// <exception cref="ChatException"><c>outbox_full</c>.</exception>
    public OutgoingMessage Post(SendRequest request)
    {
        if (!places.Wait(0, CancellationToken.None))
        {
            throw new ChatException(ClientErrorCodes.OutboxFull, $"{options.OutboxMax} messages wait to be sent already.");
        }

        return Enqueue(new OutgoingMessage(request, options.Time.GetUtcNow()) { HoldsPlace = true }, saved: false);
    }

    /// <summary>As <see cref="Post"/>, but waits for a place.</summary>
    public async Task<OutgoingMessage> PostAsync(SendRequest request, CancellationToken cancel)
    {
        await places.WaitAsync(cancel).ConfigureAwait(false);
        return Enqueue(new OutgoingMessage(request, options.Time.GetUtcNow()) { HoldsPlace = true }, saved: false);
    }

    /// <summary>Takes a message back. False where it is on its way already, or was: then it may have arrived.</summary>
    public bool TryWithdraw(OutgoingMessage message)
    {
        lock (gate)
        {
            // The first of a lane is being sent.
            if (!lanes.TryGetValue(message.Room, out var lane) || lane.First?.Value == message || !lane.Remove(message))
            {
                return false;
            }

            all.Remove(message);
        }

        FreePlace(message);
        message.Withdraw();
        changed(message);
        tasks.Run(cancel => ForgetAsync(message, cancel));
        return true;
    }

    /// <summary>Nothing is sent any more: whoever waits for an answer learns it. What is in the store stays there.</summary>
    public void Close()
    {
        foreach (var message in Unsent)
        {
            message.Refuse(new ChatException(ClientErrorCodes.Unreachable, "The client was closed before the message was sent."));
        }
    }

    private void FreePlace(OutgoingMessage message)
    {
        if (message.HoldsPlace)
        {
            places.Release();
        }
    }

    private OutgoingMessage Enqueue(OutgoingMessage message, bool saved)
    {
        lock (gate)
        {
            all.AddLast(message);
            if (lanes.TryGetValue(message.Room, out var lane))
            {
                lane.AddLast(message);
            }
            else
            {
                lanes[message.Room] = lane = new LinkedList<OutgoingMessage>([message]);
                tasks.Run(cancel => DrainAsync(message.Room, lane, cancel));
            }
        }

        changed(message);
        if (!saved && options.OutboxStore is { } store)
        {
            SaveInOrder(store, message);
        }

        return message;
    }

    private void SaveInOrder(IOutboxStore store, OutgoingMessage message)
    {
        lock (gate)
        {
            var before = saving;
            saving = SaveAsync();

            async Task SaveAsync()
            {
                await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                await store.SaveAsync(message.Request, tasks.Stopping).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Sends a room's messages until there are none.</summary>
    private async Task DrainAsync(string room, LinkedList<OutgoingMessage> lane, CancellationToken cancel)
    {
        while (true)
        {
            OutgoingMessage message;
            lock (gate)
            {
                if (lane.First is not { } first)
                {
                    lanes.Remove(room);
                    return;
                }

                message = first.Value;
            }

            await DeliverAsync(message, cancel).ConfigureAwait(false);
            lock (gate)
            {
                lane.RemoveFirst();
                all.Remove(message);
            }

            FreePlace(message);
            changed(message);
        }
    }

    private async Task DeliverAsync(OutgoingMessage message, CancellationToken cancel)
    {
        var backoff = new Backoff(RetryFirst, RetryLongest, Random.Shared);
        while (true)
        {
            var failure = await TryOnceAsync(message, cancel).ConfigureAwait(false);
            if (failure is null)
            {
                await ForgetAsync(message, cancel).ConfigureAwait(false);
                return;
            }

            message.Move(OutgoingState.Waiting, failure);
            changed(message);
            if (failure.Code != ClientErrorCodes.Uncertain)
            {
                await Task.Delay(failure.RetryAfter ?? backoff.Next(), options.Time, cancel).ConfigureAwait(false);
            }
        }
    }

    /// <summary>One attempt. Null where it is settled, either way; else why to try again.</summary>
    private async Task<ChatException?> TryOnceAsync(OutgoingMessage message, CancellationToken cancel)
    {
        try
        {
            var connection = await link(cancel).ConfigureAwait(false);
            await parallel.WaitAsync(cancel).ConfigureAwait(false);
            try
            {
                message.Move(OutgoingState.Sending);
                changed(message);
                message.Complete(await connection.InvokeAsync<SendAnswer>(HubMethods.Send, message.Request, cancel).ConfigureAwait(false));
                return null;
            }
            finally
            {
                parallel.Release();
            }
        }
        catch (LinkLostException e)
        {
            return new ChatException(ClientErrorCodes.Uncertain, "The connection was lost; it is sent again.", null, e);
        }
        catch (ChatException e) when (ErrorCodes.IsRetryable(e.Code))
        {
            return e;
        }
        catch (ChatException e)
        {
            message.Refuse(e);
            return null;
        }
    }

    private async Task ForgetAsync(OutgoingMessage message, CancellationToken cancel)
    {
        // A session that ended is no reason to lose what was written: it waits in the store for the next sign-in.
        if (options.OutboxStore is { } store && message.Problem?.Code is not (ErrorCodes.NotSignedIn or ClientErrorCodes.Unreachable))
        {
            Task saved;
            lock (gate)
            {
                saved = saving;
            }

            await saved.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await store.RemoveAsync(message.ClientId, cancel).ConfigureAwait(false);
        }
    }
}
